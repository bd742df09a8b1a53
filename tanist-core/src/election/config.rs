use crate::defects::Defects;
use crate::memory::Memory;
use crate::record::InstanceId;
use crate::timing::Timing;

/// Who this node is and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The election's name.
    pub election: String,
    /// The node's name.
    pub node: String,
    /// This start of the node; random, never used before.
    pub instance: InstanceId,
    /// What the node advertises.
    pub address: String,
    /// Higher leads before lower; 0 never leads.
    pub priority: u32,
    /// The version of tanist, for the others to see.
    pub version: String,
    /// The budget.
    pub timing: Timing,
    /// What this machine remembers of the election.
    pub memory: Memory,
    /// Seed of the waits between attempts.
    pub seed: u64,
    /// All off, outside the simulator.
    pub defects: Defects,
}
