//! Compiles the R3MES protobuf files without an installed `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["remes/remes/v1/tx.proto", "remes/remes/v1/state.proto", "remes/remes/v1/query.proto"];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    prost_build::Config::new()
        .extern_path(".cosmos.base.query.v1beta1", "::cosmrs::proto::cosmos::base::query::v1beta1")
        .enable_type_names()
        .type_name_domain([".remes"], "")
        .compile_fds(descriptors)?;
    Ok(())
}
