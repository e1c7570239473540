import Media

/// What is known of a packet of sound beside its bytes.
struct PacketFacts: Equatable {
  /// See `SoundPacket`.
  var timestamp: Int64
  var duration: Int64
  /// How many.
  var bytes: Int
}

/// What is known of samples beside themselves.
struct SampleFacts: Equatable {
  /// See `SoundSamples`.
  var timestamp: Int64?
  var sampleRate: Int
  var channels: Int
  /// Of each channel.
  var count: Int
}

extension SourceFrameFacts {
  func write(to writer: inout MessageWriter) {
    writer.put(index)
    writer.put(time) { $0.put($1) }
    writer.put(timestamp) { $0.put(Int($1)) }
    writer.put(duration) { $0.put(Int($1)) }
    writer.put(pixelShape) { $1.write(to: &$0) }
    for code in [colour.matrix, colour.primaries, colour.transfer] { writer.put(code) }
    writer.put(colour.isFullRange)
  }

  init(from reader: inout MessageReader) throws(MessageError) {
    self.init(
      index: try reader.number("frame number", in: Message.count),
      time: try reader.optional("time") { reader throws(MessageError) in
        try reader.decimal("time")
      },
      timestamp: try reader.optional("timestamp") { reader throws(MessageError) in
        try reader.timestamp()
      },
      duration: try reader.optional("duration") { reader throws(MessageError) in
        Int64(try reader.number("duration", in: 1...Int(SourceFrame.longest)))
      },
      pixelShape: try reader.optional("shape of pixels") { reader throws(MessageError) in
        try Ratio(from: &reader)
      },
      colour: ColourDescription(
        matrix: try reader.number("colour matrix", in: Message.codePoints),
        primaries: try reader.number("colour primaries", in: Message.codePoints),
        transfer: try reader.number("colour transfer", in: Message.codePoints),
        isFullRange: try reader.truth("colour range")))
  }
}

extension SoundFormat {
  func write(to writer: inout MessageWriter) {
    writer.put(codec)
    timeBase.write(to: &writer)
    writer.put(sampleRate)
    writer.put(channels)
    writer.put(Int(Int64(bitPattern: channelMask)))
    writer.put(bytes: header)
    for number in [profile, bitRate, frameSamples, blockBytes, primingSamples] {
      writer.put(number)
    }
  }

  init(from reader: inout MessageReader) throws(MessageError) {
    let counts = 0...Int(Int32.max)
    self.init(
      codec: try reader.text("codec of sound"), timeBase: try Ratio(from: &reader),
      sampleRate: try reader.number("sample rate", in: counts),
      channels: try reader.number("number of channels", in: counts),
      channelMask: UInt64(
        bitPattern: Int64(try reader.number("mask of channels", in: Int.min...Int.max))),
      header: try reader.bytes("header of sound", atMost: MediaLimits.maxSoundHeader),
      profile: try reader.number("profile", in: Int(Int32.min)...Int(Int32.max)),
      bitRate: try reader.number("bit rate", in: 0...Int.max),
      frameSamples: try reader.number("samples of a packet", in: counts),
      blockBytes: try reader.number("block of sound", in: counts),
      primingSamples: try reader.number("priming samples", in: counts))
  }
}

extension PacketFacts {
  func write(to writer: inout MessageWriter) {
    for number in [timestamp, duration, Int64(bytes)] { writer.put(Int(number)) }
  }

  init(from reader: inout MessageReader) throws(MessageError) {
    self.init(
      timestamp: try reader.timestamp(),
      duration: Int64(try reader.number("duration of sound", in: 0...Int.max)),
      bytes: try reader.number("bytes of sound", in: 1...MediaLimits.maxSoundBytes))
  }
}

extension SampleFacts {
  /// Of all samples. No product of two numbers in these ranges overflows.
  var bytes: Int { channels * count * MemoryLayout<Float>.stride }

  func write(to writer: inout MessageWriter) {
    writer.put(timestamp) { $0.put(Int($1)) }
    for number in [sampleRate, channels, count] { writer.put(number) }
  }

  init(from reader: inout MessageReader) throws(MessageError) {
    let counts = 1...MediaLimits.maxSoundBytes
    self.init(
      timestamp: try reader.optional("timestamp") { reader throws(MessageError) in
        try reader.timestamp()
      },
      sampleRate: try reader.number("sample rate", in: 1...Int(Int32.max)),
      channels: try reader.number("number of channels", in: counts),
      count: try reader.number("number of samples", in: counts))
    guard bytes <= MediaLimits.maxSoundBytes else {
      throw MessageError("\(count) samples of \(channels) channels")
    }
  }
}

extension Ratio {
  func write(to writer: inout MessageWriter) {
    writer.put(Int(numerator))
    writer.put(Int(denominator))
  }

  init(from reader: inout MessageReader) throws(MessageError) {
    // In range: both are checked to be.
    self.init(
      Int32(try reader.number("numerator", in: 1...Int(Int32.max))),
      Int32(try reader.number("denominator", in: 1...Int(Int32.max))))
  }
}

extension MessageReader {
  /// Ticks of a clock; what is done with them bounds them.
  fileprivate mutating func timestamp() throws(MessageError) -> Int64 {
    Int64(try number("timestamp", in: Int.min...Int.max))
  }
}
