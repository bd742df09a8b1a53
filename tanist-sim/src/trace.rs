use crate::action::Action;
use crate::scene::Scene;

/// A schedule as a story: what was applied, at which tick, and what the machines said to it.
pub(crate) fn tell(mut start: Scene, trace: &[Action]) -> Vec<String> {
    start.world.notes = Some(Vec::new());
    let mut scene = start;
    let mut lines = Vec::new();
    for action in trace {
        let tick = scene.world.time.as_secs();
        scene = scene.after(action);
        if let Action::Pass { .. } = action {
            continue;
        }
        lines.push(format!("  tick {tick:>2}  {action}"));
        for note in scene
            .world
            .notes
            .iter_mut()
            .flat_map(|notes| notes.drain(..))
        {
            lines.push(format!("             {note}"));
        }
    }
    lines
}
