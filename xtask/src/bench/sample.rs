use std::time::Duration;

/// What was measured, again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    sorted: Vec<Duration>,
}

impl Sample {
    /// Of at least one measurement.
    pub(crate) fn new(mut measured: Vec<Duration>) -> Self {
        measured.sort();
        Self { sorted: measured }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The span that `per_mille` of a thousand do not exceed: the nearest rank.
    pub(crate) fn quantile(&self, per_mille: usize) -> Duration {
        let rank = (self.sorted.len() * per_mille).div_ceil(1000).max(1);
        self.sorted.get(rank - 1).copied().unwrap_or_default()
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(500)
    }

    /// What 99 of 100 do not exceed.
    pub(crate) fn p99(&self) -> Duration {
        self.quantile(990)
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        self.quantile(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values() {
        let sample = Sample::new((1..=200).rev().map(Duration::from_millis).collect());
        let millis = [sample.median(), sample.p99(), sample.max()].map(|span| span.as_millis());
        assert_eq!(millis, [100, 198, 200]);
        let one = Sample::new(vec![Duration::from_millis(7)]);
        assert_eq!(
            [one.median(), one.p99(), one.max()],
            [Duration::from_millis(7); 3]
        );
    }
}
