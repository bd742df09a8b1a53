/// Gives back the leadership of a supervisor that is dead, for as long as that takes.
///
/// # Errors
///
/// The bytes cannot be read, or no runtime can be had.
pub(crate) fn by_library(bytes: &[u8]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("there is no event queue: {error}"))?;
    runtime
        .block_on(tanist::release(bytes))
        .map_err(|error| error.to_string())
}
