import Media

/// What a decoder process says. The parent checks every number of it, and believes none beyond that.
enum DecoderReply: Equatable {
  /// It is confined and waits for inputs; what the kernel could not give of that, in words.
  case ready(lacking: [String])
  /// The input is open.
  case opened(MediaInfo, DecodingReport)
  /// A picture is to be decoded that takes so many bytes.
  case asksForMemory(Int)
  /// Which pixels of such pictures are wanted?
  case asksForLattice(width: Int, height: Int)
  /// The next frame needs a slot for such a picture.
  case asksForSlot(width: Int, height: Int)
  /// The next frame lies in the slot, or has the picture of the last one (`FrameFacts.same`).
  case frame(FrameFacts, width: Int, height: Int, DecodingReport)
  /// The next frame is decoded, and will be given if it is asked for.
  case found(FrameFacts)
  /// The next frame lies in the slot as it is to be encoded again.
  case sourceFrame(SourceFrameFacts, width: Int, height: Int, DecodingReport)
  /// The input's sound is open; nil: it has none.
  case sound(SoundFormat?)
  /// The next packet of sound lies in the slot.
  case packet(PacketFacts)
  /// The next samples lie in the slot, channel after channel, as 32-bit numbers.
  case samples(SampleFacts)
  /// No frame, or no sound, is left.
  case ended(DecodingReport)
  /// It cannot be opened or decoded, or not further.
  case failed(MediaError, DecodingReport)
  /// Still at work: so many frames are decoded.
  case progress(Int)
}

extension DecoderReply {
  /// Most remarks and protections in one message.
  private static let maxTexts = 12

  var message: [UInt8] { written.bytes }

  /// The message with its fields.
  var written: MessageWriter {
    switch self {
    case .ready(let lacking):
      var writer = MessageWriter(kind: 1)
      writer.put(texts: lacking)
      return writer
    case .opened(let info, let report):
      var writer = MessageWriter(kind: 2)
      info.write(to: &writer)
      report.write(to: &writer)
      return writer
    case .asksForMemory(let bytes):
      var writer = MessageWriter(kind: 3)
      writer.put(bytes)
      return writer
    case .asksForSlot(let width, let height):
      var writer = MessageWriter(kind: 4)
      writer.put(width)
      writer.put(height)
      return writer
    case .frame(let facts, let width, let height, let report):
      var writer = MessageWriter(kind: 5)
      facts.write(to: &writer)
      writer.put(width)
      writer.put(height)
      report.write(to: &writer)
      return writer
    case .ended(let report):
      var writer = MessageWriter(kind: 6)
      report.write(to: &writer)
      return writer
    case .failed(let error, let report):
      var writer = MessageWriter(kind: 7)
      writer.put(error.kind == .access)
      writer.put(error.reason)
      report.write(to: &writer)
      return writer
    case .asksForLattice(let width, let height):
      var writer = MessageWriter(kind: 9)
      writer.put(width)
      writer.put(height)
      return writer
    case .progress(let frames):
      var writer = MessageWriter(kind: 8)
      writer.put(frames)
      return writer
    case .found(let facts):
      var writer = MessageWriter(kind: 10)
      facts.write(to: &writer)
      return writer
    case .sourceFrame(let facts, let width, let height, let report):
      var writer = MessageWriter(kind: 11)
      facts.write(to: &writer)
      writer.put(width)
      writer.put(height)
      report.write(to: &writer)
      return writer
    case .sound(let format):
      var writer = MessageWriter(kind: 12)
      writer.put(format) { $1.write(to: &$0) }
      return writer
    case .packet(let facts):
      var writer = MessageWriter(kind: 13)
      facts.write(to: &writer)
      return writer
    case .samples(let facts):
      var writer = MessageWriter(kind: 14)
      facts.write(to: &writer)
      return writer
    }
  }

  /// Reads a message of a child.
  ///
  /// - Throws: `MessageError` where it is none, or one that cannot be true.
  init(_ message: ArraySlice<UInt8>) throws(MessageError) {
    var reader = try MessageReader(message)
    switch reader.kind {
    case 1: self = .ready(lacking: try reader.texts("protection", atMost: Self.maxTexts))
    case 2:
      self = .opened(try MediaInfo(from: &reader), try DecodingReport(from: &reader))
    case 3: self = .asksForMemory(try reader.number("size of a picture", in: Message.count))
    case 4:
      let (width, height) = try reader.size()
      self = .asksForSlot(width: width, height: height)
    case 5:
      let facts = try FrameFacts(from: &reader)
      let (width, height) = try reader.size()
      self = .frame(facts, width: width, height: height, try DecodingReport(from: &reader))
    case 6: self = .ended(try DecodingReport(from: &reader))
    case 7:
      let isAccess = try reader.truth("kind of failure")
      let error = MediaError(isAccess ? .access : .data, try reader.text("failure"))
      self = .failed(error, try DecodingReport(from: &reader))
    case 8: self = .progress(try reader.number("number of frames", in: Message.count))
    case 9:
      let (width, height) = try reader.size()
      self = .asksForLattice(width: width, height: height)
    case 10: self = .found(try FrameFacts(from: &reader))
    case 11:
      let facts = try SourceFrameFacts(from: &reader)
      let (width, height) = try reader.size()
      self = .sourceFrame(
        facts, width: width, height: height, try DecodingReport(from: &reader))
    case 12:
      self = .sound(
        try reader.optional("sound") { reader throws(MessageError) in
          try SoundFormat(from: &reader)
        })
    case 13: self = .packet(try PacketFacts(from: &reader))
    case 14: self = .samples(try SampleFacts(from: &reader))
    case let kind: throw MessageError("a reply of kind \(kind)")
    }
    try reader.end()
  }
}

extension MessageWriter {
  fileprivate mutating func put(texts: [String]) {
    put(texts.count)
    for text in texts { put(text) }
  }
}

extension MessageReader {
  fileprivate mutating func texts(
    _ name: String, atMost limit: Int
  ) throws(MessageError) -> [String] {
    var texts: [String] = []
    for _ in 0..<(try number("number of a \(name)", in: 0...limit)) { texts.append(try text(name)) }
    return texts
  }

  /// Of a picture that has pixels; their number fits.
  fileprivate mutating func size() throws(MessageError) -> (width: Int, height: Int) {
    (
      try number("width", in: 1...Int(Int32.max)), try number("height", in: 1...Int(Int32.max))
    )
  }
}

extension FrameFacts {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.put(index) { $0.put($1) }
    writer.put(time) { $0.put($1) }
    writer.put(isCorrupt)
    writer.put(isKeyframe)
    writer.put(same) { writer, same in
      writer.put(same.index) { $0.put($1) }
      writer.put(same.wasGiven)
    }
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    index = try reader.optional("frame number") { reader throws(MessageError) in
      try reader.number("frame number", in: Message.count)
    }
    time = try reader.optional("time") { reader throws(MessageError) in try reader.decimal("time") }
    isCorrupt = try reader.truth("corrupt")
    isKeyframe = try reader.truth("keyframe")
    same = try reader.optional("earlier frame") { reader throws(MessageError) in
      EarlierFrame(
        index: try reader.optional("number of an earlier frame") { reader throws(MessageError) in
          try reader.number("number of an earlier frame", in: Message.count)
        },
        wasGiven: try reader.truth("whether the earlier frame was given"))
    }
  }
}

extension DecodingReport {
  fileprivate func write(to writer: inout MessageWriter) {
    for count in [framesDecoded, corruptFrames, decodeErrors, untimedFrames] { writer.put(count) }
    writer.put(lastError) { $0.put($1) }
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    self.init()
    framesDecoded = try reader.number("number of frames", in: Message.count)
    corruptFrames = try reader.number("number of corrupt frames", in: Message.count)
    decodeErrors = try reader.number("number of errors", in: Message.count)
    untimedFrames = try reader.number("number of untimed frames", in: Message.count)
    lastError = try reader.optional("error") { reader throws(MessageError) in
      try reader.text("error")
    }
  }
}

extension MediaInfo {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.put(container)
    writer.put(codec)
    writer.put(width)
    writer.put(height)
    writer.put(orientation.rawValue)
    // What a header says can be absurd, and then it says nothing.
    writer.put(duration.flatMap { $0.isFinite ? $0 : nil }) { $0.put($1) }
    writer.put(averageFrameRate.flatMap { $0.isFinite ? $0 : nil }) { $0.put($1) }
    writer.put(timeBase) { $1.write(to: &$0) }
    writer.put(estimatedFrames.flatMap { Message.count.contains($0) ? $0 : nil }) { $0.put($1) }
    writer.put(isStillImage)
    writer.put(texts: remarks)
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    let container = try reader.text("container")
    let codec = try reader.text("codec")
    // Of a header: 0, and less, where it does not tell.
    let sides = Int(Int32.min)...Int(Int32.max)
    let width = try reader.number("width", in: sides)
    let height = try reader.number("height", in: sides)
    guard let orientation = Orientation(rawValue: try reader.number("orientation", in: 1...8))
    else { throw MessageError("no orientation") }
    let info = MediaInfo(
      container: container, codec: codec, width: width, height: height, orientation: orientation,
      duration: try reader.optional("duration") { reader throws(MessageError) in
        try reader.decimal("duration")
      },
      averageFrameRate: try reader.optional("frame rate") { reader throws(MessageError) in
        try reader.decimal("frame rate")
      },
      timeBase: try reader.optional("time base") { reader throws(MessageError) in
        try Ratio(from: &reader)
      },
      estimatedFrames: try reader.optional("estimate") { reader throws(MessageError) in
        try reader.number("estimate", in: Message.count)
      },
      isStillImage: try reader.truth("image"),
      remarks: try reader.texts("remark", atMost: 12))
    guard info.isStillImage || info.timeBase != nil, info.averageFrameRate ?? 1 > 0 else {
      throw MessageError("a video without a clock, or of no speed")
    }
    self = info
  }
}
