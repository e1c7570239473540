import CTransforms

/// How the numbers of a value lie in memory.
struct Storage: Hashable, Sendable {
  var type: ElementType
  /// What 1 stands for; 1 but for 8-bit numbers.
  var step: Float = 1
  /// All channels of a pixel side by side, as 8-bit convolutions want it; else in blocks of channels.
  var isChannelsLast = false

  static let float32 = Storage(type: .float32)
  static let bfloat16 = Storage(type: .bfloat16)
  /// What 8-bit convolutions write where no 8 bits are wanted.
  static let float32ChannelsLast = Storage(type: .float32, isChannelsLast: true)

  /// In 8 bits. Without VNNI a range without negative numbers has 7 bits: 8-bit products saturate there, but those of
  /// s8, for which oneDNN takes care.
  static func range(_ range: Quantization.StoredRange) -> Storage {
    if range.isSigned || InstructionSet.hasVNNI {
      return Storage(type: range.isSigned ? .int8 : .uint8, step: range.step, isChannelsLast: true)
    }
    return Storage(type: .int8, step: range.high / 127, isChannelsLast: true)
  }

  var isEightBits: Bool { type.byteCount == 1 }
}

extension Plan.Tensor {
  /// Where its numbers lie, for the loops of `CTransforms`. Of one image.
  func image(_ data: UnsafeMutableRawPointer, block: Int) -> ctransforms_image {
    var image = ctransforms_image()
    image.data = data
    image.type = storage.type.loopType
    image.step = storage.step
    image.height = Int32(size.height)
    image.width = Int32(size.width)
    if storage.isChannelsLast {
      (image.block_stride, image.pixel_stride) = (16, channels)
    } else {
      image.pixel_stride = block
      image.block_stride = 16 * size.pixels
      if block == 8 {
        image.half_stride = 8 * size.pixels
        image.halves = Int32((channels + 7) / 8)
      }
    }
    return image
  }
}

extension ElementType {
  /// As `CTransforms` knows it.
  var loopType: ctransforms_type {
    switch self {
    case .float32: ctransforms_f32
    case .bfloat16: ctransforms_bf16
    case .uint8: ctransforms_u8
    case .int8: ctransforms_s8
    }
  }
}

extension InstructionSet {
  /// What the loops of `CTransforms` run on.
  static var loops: ctransforms_isa {
    switch effective {
    case .avx512CoreAMX, .avx512CoreBF16, .avx512CoreVNNI, .avx512Core: ctransforms_avx512
    case .avx2VNNI, .avx2: ctransforms_avx2
    case .avx, .sse41, nil: ctransforms_baseline
    }
  }
}

/// The same numbers in another storage. Operands: from, to.
struct StorageConversion: Kernel {
  let source: Plan.Tensor
  let target: Plan.Tensor
  let block: Int
  /// Whether the source is in plain order, as the network's input is.
  let isPlain: Bool

  func bind(to memory: KernelMemory) -> BoundKernel {
    let from = source.image(memory.operands[0], block: block)
    let to = target.image(memory.operands[1], block: block)
    let channels = Int32(source.channels)
    let loops = InstructionSet.loops
    if isPlain {
      let planes = memory.numbers(0)
      return { withUnsafePointer(to: to) { ctransforms_interleave(loops, planes, $0, channels) } }
    }
    return {
      withUnsafePointer(to: from) { from in
        withUnsafePointer(to: to) { ctransforms_convert(loops, from, $0, channels) }
      }
    }
  }
}
