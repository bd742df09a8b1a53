use std::ffi::OsString;

use tanist::{InstanceId, Leadership};

use super::Supervisor;
use super::desk::Desk;
use super::environment::Mandate;
use crate::control::Role;
use crate::settings::RunSettings;

/// What child and hooks are told, whoever leads.
pub(super) fn standing(settings: &RunSettings, desk: &Desk, instance: InstanceId) -> Mandate {
    let control = desk.control().map_or_else(OsString::new, |path| {
        let mut url = OsString::from("unix:");
        url.push(path);
        url
    });
    let role_file = desk.role_file().map(|path| path.as_os_str().to_owned());
    let mut mandate = Mandate::of_node(settings);
    mandate.set("INSTANCE", instance.to_string());
    mandate.set("ROLE", Role::Standby.word());
    mandate.set("CONTROL", control);
    mandate.set("ROLE_FILE", role_file.unwrap_or_default());
    mandate
}

impl Supervisor {
    /// What whoever acts as leader is told.
    pub(super) fn mandate(&self, lead: &Leadership, reason: &'static str) -> Mandate {
        let instance = self.status.borrow().instance.unwrap_or_default();
        let mut mandate = standing(&self.settings, &self.desk, instance);
        mandate.set("ROLE", Role::Leader.word());
        mandate.set("TERM", lead.term().number().to_string());
        mandate.set("REASON", reason);
        mandate.set("PREVIOUS", lead.previous().unwrap_or_default());
        mandate.set("ENTRY", lead.entry().to_string());
        mandate
    }
}
