import COneDNN

/// The instruction sets of x86-64 that oneDNN 2.6 and 3.x both know, by falling ability. Results are equal bit by
/// bit only on one of them: the effective one belongs to everything that promises equal bytes.
public enum InstructionSet: String, CaseIterable, Sendable {
  case avx512CoreAMX = "avx512_core_amx"
  case avx512CoreBF16 = "avx512_core_bf16"
  case avx512CoreVNNI = "avx512_core_vnni"
  case avx512Core = "avx512_core"
  case avx2VNNI = "avx2_vnni"
  case avx2
  case avx
  case sse41

  private var code: dnnl_cpu_isa_t {
    switch self {
    case .avx512CoreAMX: dnnl_cpu_isa_avx512_core_amx
    case .avx512CoreBF16: dnnl_cpu_isa_avx512_core_bf16
    case .avx512CoreVNNI: dnnl_cpu_isa_avx512_core_vnni
    case .avx512Core: dnnl_cpu_isa_avx512_core
    case .avx2VNNI: dnnl_cpu_isa_avx2_vnni
    case .avx2: dnnl_cpu_isa_avx2
    case .avx: dnnl_cpu_isa_avx
    case .sse41: dnnl_cpu_isa_sse41
    }
  }

  /// What oneDNN uses in this process: the best that the CPU has, or less where `limit(to:)` or the
  /// environment variable `DNNL_MAX_CPU_ISA` said so. nil on a CPU below SSE4.1 or of another family.
  public static var effective: InstructionSet? {
    // A set of bits; 3.x knows sets that 2.6 does not, each with the bits of one that both know.
    let bits = dnnl_get_effective_cpu_isa().rawValue
    return allCases.first { bits & $0.code.rawValue == $0.code.rawValue }
  }

  /// Keeps oneDNN from using anything above this instruction set: to get the same bytes from machines of
  /// different ability. To be called before anything else of this module.
  ///
  /// - Throws: `NeuralNetworkError.oneDNN` where it comes too late.
  public static func limit(to instructionSet: InstructionSet) throws(NeuralNetworkError) {
    try check(dnnl_set_max_cpu_isa(instructionSet.code), "dnnl_set_max_cpu_isa")
  }

  /// Whether oneDNN multiplies 8-bit numbers exactly, and fast: without it, sums of two products saturate in 16 bits.
  public static var hasVNNI: Bool {
    switch effective {
    case .avx512CoreAMX, .avx512CoreBF16, .avx512CoreVNNI, .avx2VNNI: true
    case .avx512Core, .avx2, .avx, .sse41, nil: false
    }
  }

  /// Whether `Precision.bfloat16` runs.
  public static var hasBFloat16: Bool {
    effective == .avx512CoreBF16 || effective == .avx512CoreAMX
  }

  /// Floats in one channel block of the activations' layout (`nChw16c` or `nChw8c`): one vector register of
  /// AVX-512, or of AVX and what came before.
  static var channelBlock: Int {
    switch effective {
    case .avx512CoreAMX, .avx512CoreBF16, .avx512CoreVNNI, .avx512Core: 16
    case .avx2VNNI, .avx2, .avx, .sse41, nil: 8
    }
  }
}
