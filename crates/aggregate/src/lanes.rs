//! Vectors of neighbouring coordinates, and the choice of the widest the machine has.
//!
//! Every operation is exactly one IEEE 754 operation a lane, so that all widths give the same bits.
#![allow(unsafe_code)]

use std::sync::OnceLock;

/// `WIDTH` neighbouring coordinates.
///
/// The methods of a type may only be called where [`Isa::run`] has chosen that type (or where its CPU features are
/// known otherwise): that is the safety condition of every `unsafe fn` here, beside valid pointers.
pub(crate) trait Lanes: Copy {
    /// How many coordinates; a divisor of 16.
    const WIDTH: usize;
    /// As many f64.
    type Wide: Copy;

    unsafe fn load(p: *const f32) -> Self;
    /// `WIDTH` F16 values.
    unsafe fn load_f16(p: *const u16) -> Self;
    /// `WIDTH` BF16 values.
    unsafe fn load_bf16(p: *const u16) -> Self;
    /// `WIDTH` F64 values, each rounded to f32.
    unsafe fn load_f64(p: *const f64) -> Self;
    unsafe fn store(self, p: *mut f32);
    unsafe fn splat(x: f32) -> Self;
    /// The smaller; of -0.0 and +0.0 either.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger; of -0.0 and +0.0 either.
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// The same bits as [`sub`](Self::sub), from the multipliers where these can: as the exact `one` x - y, so that they and
    /// the adders share the work. The compiler must not know that `one` is 1, or it puts the adders back to work.
    #[inline(always)]
    unsafe fn sub_by_multiplier(self, one: Self, other: Self) -> Self {
        let _ = one;
        // SAFETY: the caller's.
        unsafe { self.sub(other) }
    }
    /// In each lane `yes` where `self <= other`, else `no`.
    unsafe fn select_le(self, other: Self, yes: Self, no: Self) -> Self;

    unsafe fn widen(self) -> Self::Wide;
    /// Eight sums of 16 lanes in f64: lane l + lane l + 8, then the same with 4, 2 and 1. The lanes of a sum are those of
    /// its vector in `low`, and if these are but eight, the other eight those in `high`.
    unsafe fn sums16(low: [Self; 8], high: [Self; 8]) -> [f64; 8];
    /// Rounds to f32 and makes -0.0 to +0.0.
    unsafe fn narrow(wide: Self::Wide) -> Self;
    unsafe fn wide_load(p: *const f64) -> Self::Wide;
    unsafe fn wide_store(wide: Self::Wide, p: *mut f64);
    unsafe fn wide_splat(x: f64) -> Self::Wide;
    unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// The same bits as a product and a sum, in one operation where there is one. Only for products that f64 holds exactly.
    #[inline(always)]
    unsafe fn wide_add_exact_product(sum: Self::Wide, a: Self::Wide, b: Self::Wide) -> Self::Wide {
        // SAFETY: the caller's.
        unsafe { Self::wide_add(sum, Self::wide_mul(a, b)) }
    }
    unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    unsafe fn wide_div(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// The smaller; of equal ones either.
    unsafe fn wide_min(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// The larger; of equal ones either.
    unsafe fn wide_max(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// In each lane `yes` where `a < b`, else `no`.
    unsafe fn wide_select_lt(a: Self::Wide, b: Self::Wide, yes: Self::Wide, no: Self::Wide) -> Self::Wide;
    /// Hides a number of up to [`TAG`] in the lowest bits of widened values, which are 0, so that of equal values (but -0.0
    /// and +0.0) the one with the lower number is less: below 0, where more bits make a value less, all of them inverted.
    unsafe fn wide_tag(wide: Self::Wide, tag: u32) -> Self::Wide;
    /// Tagged values without their tags.
    unsafe fn wide_untag(wide: Self::Wide) -> Self::Wide;
    /// What the table holds at each lane's tag, which must lie within it. (That of a NaN is kept by every x86 instruction; elsewhere
    /// what is not there is 0.)
    unsafe fn wide_gather(wide: Self::Wide, table: &[f64]) -> Self::Wide;
}

/// The bits by which an f64 is longer than an f32.
pub(crate) const TAG: u32 = (1 << 29) - 1;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Asks for the cache line in which the [`LINE`] bytes at `p` end; who walks along them has asked for the one before. They need
/// not be valid: nothing is read. The line comes as far as the second-level cache, which can wait for more of them at a time
/// than the first.
#[inline(always)]
pub(crate) fn prefetch(p: *const u8) {
    let last = p.wrapping_add(LINE - 1);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, of SSE, which every x86-64 has.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(last.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = last;
}

/// Work that is written once for all widths.
pub(crate) trait Kernel {
    type Output;
    /// Must be `#[inline(always)]`, so that it is compiled for the features of its caller.
    ///
    /// # Safety
    /// The machine has the features of `V`.
    unsafe fn run<V: Lanes>(self) -> Self::Output;
}

/// The environment variable that chooses a narrower instruction set than the machine's widest.
const VARIABLE: &str = "R3MES_VECTORS";

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// Plain Rust over eight lanes.
    pub(crate) const PORTABLE: Isa = Isa(Kind::Portable);

    /// All that this machine has, the widest first.
    pub(crate) fn available() -> Vec<Isa> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                found.push(Isa(Kind::Avx512));
            }
            if avx2 {
                found.push(Isa(Kind::Avx2));
            }
        }
        found.push(Isa::PORTABLE);
        found
    }

    /// The widest that this machine has, or the one of its own that [`VARIABLE`] names.
    pub(crate) fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let (available, wanted) = (Isa::available(), std::env::var(VARIABLE).unwrap_or_default());
            *available.iter().find(|isa| isa.name() == wanted).unwrap_or(&available[0])
        })
    }

    fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            Kind::Portable => "portable",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }

    pub(crate) fn width(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => F32x16::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => F32x8::WIDTH,
            Kind::Portable => Portable::WIDTH,
        }
    }

    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: an `Isa` other than PORTABLE comes from `available`, which found the features.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2(kernel) },
            // SAFETY: `Portable` needs no features.
            Kind::Portable => unsafe { kernel.run::<Portable>() },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma,f16c")]
unsafe fn avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller has found the features.
    unsafe { kernel.run::<F32x16>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller has found the features.
    unsafe { kernel.run::<F32x8>() }
}

/// Eight lanes of plain Rust: the definition, and what other machines run.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 8]);

macro_rules! lanewise {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $e:expr) => {{
        let (a, b) = ($a, $b);
        let mut out = a;
        let mut i = 0;
        while i < 8 {
            let ($x, $y) = (a[i], b[i]);
            out[i] = $e;
            i += 1;
        }
        out
    }};
}

impl Lanes for Portable {
    const WIDTH: usize = 8;
    type Wide = [f64; 8];

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for eight values.
        Portable(unsafe { p.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const u16) -> Self {
        // SAFETY: the caller's pointer is valid for eight values.
        let bits = unsafe { p.cast::<[u16; 8]>().read_unaligned() };
        Portable(bits.map(|bits| half::f16::from_bits(bits).to_f32()))
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> Self {
        // SAFETY: the caller's pointer is valid for eight values.
        let bits = unsafe { p.cast::<[u16; 8]>().read_unaligned() };
        Portable(bits.map(|bits| f32::from_bits(u32::from(bits) << 16)))
    }
    #[inline(always)]
    unsafe fn load_f64(p: *const f64) -> Self {
        // SAFETY: the caller's pointer is valid for eight values.
        Portable(unsafe { p.cast::<[f64; 8]>().read_unaligned() }.map(|x| x as f32))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller's pointer is valid for eight values.
        unsafe { p.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Portable([x; 8])
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Portable(lanewise!(self.0, other.0, |x, y| if x < y { x } else { y }))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Portable(lanewise!(self.0, other.0, |x, y| if x > y { x } else { y }))
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Portable(lanewise!(self.0, other.0, |x, y| x + y))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Portable(lanewise!(self.0, other.0, |x, y| x - y))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Portable(lanewise!(self.0, other.0, |x, y| x * y))
    }
    #[inline(always)]
    unsafe fn select_le(self, other: Self, yes: Self, no: Self) -> Self {
        let mut out = no;
        let mut i = 0;
        while i < 8 {
            if self.0[i] <= other.0[i] {
                out.0[i] = yes.0[i];
            }
            i += 1;
        }
        out
    }
    #[inline(always)]
    unsafe fn widen(self) -> [f64; 8] {
        self.0.map(f64::from)
    }
    #[inline(always)]
    unsafe fn sums16(low: [Self; 8], high: [Self; 8]) -> [f64; 8] {
        let mut out = [0.0; 8];
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            // SAFETY: plain Rust.
            let s = unsafe { Self::wide_add(low.widen(), high.widen()) };
            let s = [s[0] + s[4], s[1] + s[5], s[2] + s[6], s[3] + s[7]];
            *out = (s[0] + s[2]) + (s[1] + s[3]);
        }
        out
    }
    #[inline(always)]
    unsafe fn narrow(wide: [f64; 8]) -> Self {
        Portable(wide.map(|x| x as f32 + 0.0))
    }
    #[inline(always)]
    unsafe fn wide_load(p: *const f64) -> [f64; 8] {
        // SAFETY: the caller's pointer is valid for eight values.
        unsafe { p.cast::<[f64; 8]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn wide_store(wide: [f64; 8], p: *mut f64) {
        // SAFETY: the caller's pointer is valid for eight values.
        unsafe { p.cast::<[f64; 8]>().write_unaligned(wide) }
    }
    #[inline(always)]
    unsafe fn wide_splat(x: f64) -> [f64; 8] {
        [x; 8]
    }
    #[inline(always)]
    unsafe fn wide_add(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| x + y)
    }
    #[inline(always)]
    unsafe fn wide_mul(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| x * y)
    }
    #[inline(always)]
    unsafe fn wide_sub(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| x - y)
    }
    #[inline(always)]
    unsafe fn wide_div(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| x / y)
    }
    #[inline(always)]
    unsafe fn wide_min(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| if x < y { x } else { y })
    }
    #[inline(always)]
    unsafe fn wide_max(a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        lanewise!(a, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    unsafe fn wide_select_lt(a: [f64; 8], b: [f64; 8], yes: [f64; 8], no: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    unsafe fn wide_tag(wide: [f64; 8], tag: u32) -> [f64; 8] {
        wide.map(|x| {
            f64::from_bits(x.to_bits() | u64::from(if x.is_sign_negative() { tag ^ TAG } else { tag }))
        })
    }
    #[inline(always)]
    unsafe fn wide_untag(wide: [f64; 8]) -> [f64; 8] {
        wide.map(|x| f64::from_bits(x.to_bits() & !u64::from(TAG)))
    }
    #[inline(always)]
    unsafe fn wide_gather(wide: [f64; 8], table: &[f64]) -> [f64; 8] {
        wide.map(|x| {
            let bits = x.to_bits() as u32 & TAG;
            let tag = if x.is_sign_negative() { bits ^ TAG } else { bits };
            table.get(tag as usize).copied().unwrap_or_default()
        })
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{F32x8, F32x16};

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports, reason = "a hundred names of intrinsics")]
    use std::arch::x86_64::*;

    use super::{Lanes, TAG};

    /// AVX2.
    #[derive(Clone, Copy)]
    pub(crate) struct F32x8(__m256);

    /// AVX-512 (F and DQ).
    #[derive(Clone, Copy)]
    pub(crate) struct F32x16(__m512);

    // What makes sums of many vectors: each step adds one half of the lanes of two vectors to the other half, and leaves both
    // in one vector.

    /// Sixteen lanes added up to four, in f64.
    #[inline(always)]
    unsafe fn fours4(low: F32x8, high: F32x8) -> __m256d {
        // SAFETY: the caller guarantees AVX2.
        unsafe {
            let (low, high) = F32x8::wide_add(low.widen(), high.widen());
            _mm256_add_pd(low, high)
        }
    }

    /// a0 + a2, a1 + a3, b0 + b2, b1 + b3.
    #[inline(always)]
    unsafe fn pairs4(a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: the caller guarantees AVX2.
        unsafe {
            let (low, high) = (_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b));
            _mm256_add_pd(low, high)
        }
    }

    /// The sums of four vectors, in their order.
    #[inline(always)]
    unsafe fn sums4(x: [__m256d; 4]) -> __m256d {
        // SAFETY: the caller guarantees AVX2.
        unsafe {
            let (even, odd) = (pairs4(x[0], x[2]), pairs4(x[1], x[3]));
            _mm256_add_pd(_mm256_unpacklo_pd(even, odd), _mm256_unpackhi_pd(even, odd))
        }
    }

    /// The upper half of the lanes added to the lower, in f64.
    #[inline(always)]
    unsafe fn eights(x: F32x16) -> __m512d {
        // SAFETY: the caller guarantees AVX-512.
        unsafe {
            let (low, high) = x.widen();
            _mm512_add_pd(low, high)
        }
    }

    /// a0 + a4 to a3 + a7, b0 + b4 to b3 + b7.
    #[inline(always)]
    unsafe fn fours8(a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the caller guarantees AVX-512.
        unsafe {
            let low = _mm512_shuffle_f64x2::<0b01_00_01_00>(a, b);
            _mm512_add_pd(low, _mm512_shuffle_f64x2::<0b11_10_11_10>(a, b))
        }
    }

    /// Of four lanes each, in order: 0 + 2 and 1 + 3 of those of a, then of those of b.
    #[inline(always)]
    unsafe fn pairs8(a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the caller guarantees AVX-512.
        unsafe {
            let low = _mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
            _mm512_add_pd(low, _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b))
        }
    }

    /// The sums of eight vectors, in their order.
    #[inline(always)]
    unsafe fn sums8(x: [__m512d; 8]) -> __m512d {
        // SAFETY: the caller guarantees AVX-512.
        unsafe {
            let even = pairs8(fours8(x[0], x[2]), fours8(x[4], x[6]));
            let odd = pairs8(fours8(x[1], x[3]), fours8(x[5], x[7]));
            _mm512_add_pd(_mm512_unpacklo_pd(even, odd), _mm512_unpackhi_pd(even, odd))
        }
    }

    /// [`TAG`] in the lanes below 0.
    #[inline(always)]
    unsafe fn inversion4(x: __m256i) -> __m256i {
        // SAFETY: the caller guarantees AVX2.
        unsafe {
            let negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);
            _mm256_and_si256(negative, _mm256_set1_epi64x(TAG.into()))
        }
    }

    #[inline(always)]
    unsafe fn tag4(x: __m256d, tag: u32) -> __m256d {
        // SAFETY: the caller guarantees AVX2.
        unsafe {
            let bits = _mm256_castpd_si256(x);
            let tag = _mm256_xor_si256(_mm256_set1_epi64x(tag.into()), inversion4(bits));
            _mm256_castsi256_pd(_mm256_or_si256(bits, tag))
        }
    }

    #[inline(always)]
    unsafe fn gather4(x: __m256d, table: *const f64) -> __m256d {
        // SAFETY: the caller guarantees AVX2 and a value for every tag.
        unsafe {
            let bits = _mm256_castpd_si256(x);
            let tag = _mm256_and_si256(bits, _mm256_set1_epi64x(TAG.into()));
            _mm256_i64gather_pd::<8>(table, _mm256_xor_si256(tag, inversion4(bits)))
        }
    }

    /// [`TAG`] in the lanes below 0.
    #[inline(always)]
    unsafe fn inversion8(x: __m512i) -> __m512i {
        // SAFETY: the caller guarantees AVX-512.
        unsafe { _mm512_srli_epi64::<35>(_mm512_srai_epi64::<63>(x)) }
    }

    #[inline(always)]
    unsafe fn tag8(x: __m512d, tag: u32) -> __m512d {
        // SAFETY: the caller guarantees AVX-512.
        unsafe {
            let bits = _mm512_castpd_si512(x);
            let tag = _mm512_xor_si512(_mm512_set1_epi64(tag.into()), inversion8(bits));
            _mm512_castsi512_pd(_mm512_or_si512(bits, tag))
        }
    }

    #[inline(always)]
    unsafe fn gather8(x: __m512d, table: *const f64) -> __m512d {
        // SAFETY: the caller guarantees AVX-512 and a value for every tag.
        unsafe {
            let bits = _mm512_castpd_si512(x);
            let tag = _mm512_and_si512(bits, _mm512_set1_epi64(TAG.into()));
            _mm512_i64gather_pd::<8>(_mm512_xor_si512(tag, inversion8(bits)), table)
        }
    }

    // SAFETY of every block below: the caller guarantees AVX2 and valid pointers (see the trait).
    impl Lanes for F32x8 {
        const WIDTH: usize = 8;
        type Wide = (__m256d, __m256d);

        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { F32x8(_mm256_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn load_f16(p: *const u16) -> Self {
            unsafe { F32x8(_mm256_cvtph_ps(_mm_loadu_si128(p.cast()))) }
        }
        #[inline(always)]
        unsafe fn load_bf16(p: *const u16) -> Self {
            unsafe {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
                F32x8(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide)))
            }
        }
        #[inline(always)]
        unsafe fn load_f64(p: *const f64) -> Self {
            unsafe {
                let (low, high) = (_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4)));
                F32x8(_mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low)))
            }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm256_storeu_ps(p, self.0) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { F32x8(_mm256_set1_ps(x)) }
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            unsafe { F32x8(_mm256_min_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            unsafe { F32x8(_mm256_max_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { F32x8(_mm256_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            unsafe { F32x8(_mm256_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub_by_multiplier(self, one: Self, other: Self) -> Self {
            unsafe { F32x8(_mm256_fmsub_ps(self.0, one.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            unsafe { F32x8(_mm256_mul_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn select_le(self, other: Self, yes: Self, no: Self) -> Self {
            unsafe { F32x8(_mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LE_OQ>(self.0, other.0))) }
        }
        #[inline(always)]
        unsafe fn widen(self) -> Self::Wide {
            unsafe {
                let (low, high) = (_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
                (_mm256_cvtps_pd(low), _mm256_cvtps_pd(high))
            }
        }
        #[inline(always)]
        unsafe fn sums16(low: [Self; 8], high: [Self; 8]) -> [f64; 8] {
            unsafe {
                let mut out = [0.0; 8];
                for k in [0, 4] {
                    let [a, b] = [fours4(low[k], high[k]), fours4(low[k + 1], high[k + 1])];
                    let [c, d] = [fours4(low[k + 2], high[k + 2]), fours4(low[k + 3], high[k + 3])];
                    _mm256_storeu_pd(out.as_mut_ptr().add(k), sums4([a, b, c, d]));
                }
                out
            }
        }
        #[inline(always)]
        unsafe fn narrow((low, high): Self::Wide) -> Self {
            unsafe {
                let joined = _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low));
                F32x8(_mm256_add_ps(joined, _mm256_setzero_ps()))
            }
        }
        #[inline(always)]
        unsafe fn wide_load(p: *const f64) -> Self::Wide {
            unsafe { (_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4))) }
        }
        #[inline(always)]
        unsafe fn wide_store((low, high): Self::Wide, p: *mut f64) {
            unsafe {
                _mm256_storeu_pd(p, low);
                _mm256_storeu_pd(p.add(4), high);
            }
        }
        #[inline(always)]
        unsafe fn wide_splat(x: f64) -> Self::Wide {
            unsafe { (_mm256_set1_pd(x), _mm256_set1_pd(x)) }
        }
        #[inline(always)]
        unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_add_pd(a.0, b.0), _mm256_add_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_mul_pd(a.0, b.0), _mm256_mul_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_add_exact_product(sum: Self::Wide, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_fmadd_pd(a.0, b.0, sum.0), _mm256_fmadd_pd(a.1, b.1, sum.1)) }
        }
        #[inline(always)]
        unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_sub_pd(a.0, b.0), _mm256_sub_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_div(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_div_pd(a.0, b.0), _mm256_div_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_min(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_min_pd(a.0, b.0), _mm256_min_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_max(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm256_max_pd(a.0, b.0), _mm256_max_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_select_lt(
            a: Self::Wide,
            b: Self::Wide,
            yes: Self::Wide,
            no: Self::Wide,
        ) -> Self::Wide {
            unsafe {
                let (low, high) =
                    (_mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0), _mm256_cmp_pd::<_CMP_LT_OQ>(a.1, b.1));
                (_mm256_blendv_pd(no.0, yes.0, low), _mm256_blendv_pd(no.1, yes.1, high))
            }
        }
        #[inline(always)]
        unsafe fn wide_tag(wide: Self::Wide, tag: u32) -> Self::Wide {
            unsafe { (tag4(wide.0, tag), tag4(wide.1, tag)) }
        }
        #[inline(always)]
        unsafe fn wide_untag(wide: Self::Wide) -> Self::Wide {
            unsafe {
                let tag = _mm256_castsi256_pd(_mm256_set1_epi64x(TAG.into()));
                (_mm256_andnot_pd(tag, wide.0), _mm256_andnot_pd(tag, wide.1))
            }
        }
        #[inline(always)]
        unsafe fn wide_gather(wide: Self::Wide, table: &[f64]) -> Self::Wide {
            unsafe { (gather4(wide.0, table.as_ptr()), gather4(wide.1, table.as_ptr())) }
        }
    }

    // SAFETY of every block below: the caller guarantees AVX-512 F and DQ and valid pointers (see the trait).
    impl Lanes for F32x16 {
        const WIDTH: usize = 16;
        type Wide = (__m512d, __m512d);

        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { F32x16(_mm512_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn load_f16(p: *const u16) -> Self {
            unsafe { F32x16(_mm512_cvtph_ps(_mm256_loadu_si256(p.cast()))) }
        }
        #[inline(always)]
        unsafe fn load_bf16(p: *const u16) -> Self {
            unsafe {
                let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
                F32x16(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide)))
            }
        }
        #[inline(always)]
        unsafe fn load_f64(p: *const f64) -> Self {
            unsafe {
                let low = _mm512_castps256_ps512(_mm512_cvtpd_ps(_mm512_loadu_pd(p)));
                F32x16(_mm512_insertf32x8::<1>(low, _mm512_cvtpd_ps(_mm512_loadu_pd(p.add(8)))))
            }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm512_storeu_ps(p, self.0) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { F32x16(_mm512_set1_ps(x)) }
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            unsafe { F32x16(_mm512_min_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            unsafe { F32x16(_mm512_max_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { F32x16(_mm512_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            unsafe { F32x16(_mm512_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub_by_multiplier(self, one: Self, other: Self) -> Self {
            unsafe { F32x16(_mm512_fmsub_ps(self.0, one.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            unsafe { F32x16(_mm512_mul_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn select_le(self, other: Self, yes: Self, no: Self) -> Self {
            unsafe {
                let mask = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, other.0);
                F32x16(_mm512_mask_blend_ps(mask, no.0, yes.0))
            }
        }
        #[inline(always)]
        unsafe fn widen(self) -> Self::Wide {
            unsafe {
                let (low, high) = (_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0));
                (_mm512_cvtps_pd(low), _mm512_cvtps_pd(high))
            }
        }
        #[inline(always)]
        unsafe fn sums16(low: [Self; 8], _: [Self; 8]) -> [f64; 8] {
            unsafe {
                let [a, b, c, d, e, f, g, h] = low;
                // Written out: closures given to `array::from_fn` are not compiled for AVX-512.
                let [a, b, c, d] = [eights(a), eights(b), eights(c), eights(d)];
                let [e, f, g, h] = [eights(e), eights(f), eights(g), eights(h)];
                let mut out = [0.0; 8];
                _mm512_storeu_pd(out.as_mut_ptr(), sums8([a, b, c, d, e, f, g, h]));
                out
            }
        }
        #[inline(always)]
        unsafe fn narrow((low, high): Self::Wide) -> Self {
            unsafe {
                let low = _mm512_castps256_ps512(_mm512_cvtpd_ps(low));
                let joined = _mm512_insertf32x8::<1>(low, _mm512_cvtpd_ps(high));
                F32x16(_mm512_add_ps(joined, _mm512_setzero_ps()))
            }
        }
        #[inline(always)]
        unsafe fn wide_load(p: *const f64) -> Self::Wide {
            unsafe { (_mm512_loadu_pd(p), _mm512_loadu_pd(p.add(8))) }
        }
        #[inline(always)]
        unsafe fn wide_store((low, high): Self::Wide, p: *mut f64) {
            unsafe {
                _mm512_storeu_pd(p, low);
                _mm512_storeu_pd(p.add(8), high);
            }
        }
        #[inline(always)]
        unsafe fn wide_splat(x: f64) -> Self::Wide {
            unsafe { (_mm512_set1_pd(x), _mm512_set1_pd(x)) }
        }
        #[inline(always)]
        unsafe fn wide_add(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_add_pd(a.0, b.0), _mm512_add_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_mul(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_mul_pd(a.0, b.0), _mm512_mul_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_add_exact_product(sum: Self::Wide, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_fmadd_pd(a.0, b.0, sum.0), _mm512_fmadd_pd(a.1, b.1, sum.1)) }
        }
        #[inline(always)]
        unsafe fn wide_sub(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_sub_pd(a.0, b.0), _mm512_sub_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_div(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_div_pd(a.0, b.0), _mm512_div_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_min(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_min_pd(a.0, b.0), _mm512_min_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_max(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            unsafe { (_mm512_max_pd(a.0, b.0), _mm512_max_pd(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn wide_select_lt(
            a: Self::Wide,
            b: Self::Wide,
            yes: Self::Wide,
            no: Self::Wide,
        ) -> Self::Wide {
            unsafe {
                let low = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a.0, b.0);
                let high = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a.1, b.1);
                (_mm512_mask_blend_pd(low, no.0, yes.0), _mm512_mask_blend_pd(high, no.1, yes.1))
            }
        }
        #[inline(always)]
        unsafe fn wide_tag(wide: Self::Wide, tag: u32) -> Self::Wide {
            unsafe { (tag8(wide.0, tag), tag8(wide.1, tag)) }
        }
        #[inline(always)]
        unsafe fn wide_untag(wide: Self::Wide) -> Self::Wide {
            unsafe {
                let tag = _mm512_castsi512_pd(_mm512_set1_epi64(TAG.into()));
                (_mm512_andnot_pd(tag, wide.0), _mm512_andnot_pd(tag, wide.1))
            }
        }
        #[inline(always)]
        unsafe fn wide_gather(wide: Self::Wide, table: &[f64]) -> Self::Wide {
            unsafe { (gather8(wide.0, table.as_ptr()), gather8(wide.1, table.as_ptr())) }
        }
    }
}
