//! Latchkey, the program.

use std::process::ExitCode;

/// Requests are many small allocations; the system's allocator took more of their time than anything
/// else did.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    latchkey::cli::main()
}
