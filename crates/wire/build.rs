//! Compiles the messages without a `protoc` on the machine.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../../proto");
    let files = protox::compile(
        ["rp9/v1/backup.proto", "rp9/v1/events.proto", "rp9/v1/metrics.proto", "rp9/v1/provisioner.proto"],
        ["../../proto"],
    )?;
    prost_build::compile_fds(files)?;
    Ok(())
}
