/// Bounds on what a file may cost its reader. Whatever passes one of them is refused.
///
/// With the defaults a file of 10 MiB, whatever is in it, is read (or refused) with less than 256 MiB of
/// resident memory; the mapped file itself counts towards that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the file. Miners are held to 100 MiB an upload; the default leaves room for a header.
    pub file_bytes: u64,
    /// Bytes that a pickle may decompress to.
    pub decoded_bytes: u64,
    /// Bytes of all tensors together, in their own dtypes, sparse ones after they became dense.
    pub tensor_bytes: u64,
    /// Bytes of memory that reading may take, beside the file: a pickle's objects, copies made to
    /// bring values into C order and little-endian, names and metadata.
    pub memory_bytes: u64,
    /// Bytes of a safetensors header.
    pub header_bytes: u64,
    /// Number of tensors.
    pub tensors: usize,
    /// Number of metadata entries.
    pub metadata_entries: usize,
    /// Bytes of a tensor's name.
    pub name_bytes: usize,
    /// Dimensions of a tensor.
    pub rank: usize,
    /// Marks that a pickle may have open at once: how deep its containers nest.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Limits {
            file_bytes: 101 * MIB,
            decoded_bytes: 128 * MIB,
            tensor_bytes: 128 * MIB,
            memory_bytes: 208 * MIB,
            header_bytes: 16 * MIB,
            tensors: 65_536,
            metadata_entries: 4_096,
            name_bytes: 1_024,
            rank: 32,
            depth: 64,
        }
    }
}
