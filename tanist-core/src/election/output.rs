use crate::event::Event;
use crate::moment::Moment;
use crate::order::Order;

/// What an election wants done or known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "an output is handed over once and not stored"
)]
pub enum Output {
    /// Do this.
    Order(Order),
    /// Tell this.
    Event(Event),
    /// Nothing more; wake me then, if nothing happens before.
    WaitUntil(Option<Moment>),
}
