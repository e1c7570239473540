import Media

/// What the parent tells a decoder process.
enum DecoderRequest: Equatable {
  /// Open the input whose descriptor comes along.
  case open(OpenRequest)
  /// Decode the next frame, into this slot if it fits.
  case next(FrameSlot?)
  /// Decode the next frame; give it if the next request asks for one, and else forget it.
  case find
  /// Decode the next frame as it is to be encoded again, into this slot if it fits.
  case nextSource(FrameSlot?)
  /// Open the sound of the input whose descriptor comes along, and nothing else of it.
  case openSound(fileExtension: String?)
  /// Put the next packet of sound into this slot, which has room for the largest.
  case nextPacket(FrameSlot)
  /// Decode packets of sound until there are samples, and put them there.
  case nextSamples(FrameSlot)
  /// The slot that was asked for.
  case slot(FrameSlot)
  /// The pixels that are wanted of pictures of the size that was asked about; nil: all.
  case lattice(PictureLattice?)
  /// There is memory for the picture that was asked about.
  case pass
  /// Forget the input.
  case close
}

/// How an input is to be read.
struct OpenRequest: Equatable {
  var fileExtension: String?
  var sampling = FrameSampling()
  /// Its read timeout and its gate are the parent's.
  var limits = MediaLimits()
  var skipping = 0
  /// Whether to ask before a picture is decoded.
  var hasGate = false
  /// Whether to ask, for each new size of pictures, which of their pixels are wanted.
  var hasLattice = false
}

/// A place for one frame in the memory that parent and child share.
struct FrameSlot: Equatable, Sendable {
  /// Bytes from the start of the memory.
  var offset: Int
  /// Bytes.
  var capacity: Int
}

extension DecoderRequest {
  var message: [UInt8] {
    switch self {
    case .open(let request):
      var writer = MessageWriter(kind: 1)
      request.write(to: &writer)
      return writer.bytes
    case .next(let slot):
      var writer = MessageWriter(kind: 2)
      writer.put(slot) { $1.write(to: &$0) }
      return writer.bytes
    case .slot(let slot):
      var writer = MessageWriter(kind: 3)
      slot.write(to: &writer)
      return writer.bytes
    case .pass: return MessageWriter(kind: 4).bytes
    case .close: return MessageWriter(kind: 5).bytes
    case .lattice(let lattice):
      var writer = MessageWriter(kind: 6)
      writer.put(lattice) { writer, lattice in
        for places in [lattice.rows, lattice.columns] {
          writer.put(places.count)
          for place in places { writer.put(place) }
        }
      }
      return writer.bytes
    case .find: return MessageWriter(kind: 7).bytes
    case .nextSource(let slot):
      var writer = MessageWriter(kind: 8)
      writer.put(slot) { $1.write(to: &$0) }
      return writer.bytes
    case .openSound(let fileExtension):
      var writer = MessageWriter(kind: 9)
      writer.put(fileExtension) { $0.put($1) }
      return writer.bytes
    case .nextPacket(let slot):
      var writer = MessageWriter(kind: 10)
      slot.write(to: &writer)
      return writer.bytes
    case .nextSamples(let slot):
      var writer = MessageWriter(kind: 11)
      slot.write(to: &writer)
      return writer.bytes
    }
  }

  /// Reads a message of the parent.
  ///
  /// - Throws: `MessageError` where it is none.
  init(_ message: ArraySlice<UInt8>) throws(MessageError) {
    var reader = try MessageReader(message)
    switch reader.kind {
    case 1: self = .open(try OpenRequest(from: &reader))
    case 2: self = .next(try FrameSlot.optional(from: &reader))
    case 3: self = .slot(try FrameSlot(from: &reader))
    case 4: self = .pass
    case 5: self = .close
    case 6:
      self = .lattice(
        try reader.optional("lattice") { reader throws(MessageError) in
          PictureLattice(rows: try reader.places(), columns: try reader.places())
        })
    case 7: self = .find
    case 8: self = .nextSource(try FrameSlot.optional(from: &reader))
    case 9: self = .openSound(fileExtension: try reader.fileExtension())
    case 10: self = .nextPacket(try FrameSlot(from: &reader))
    case 11: self = .nextSamples(try FrameSlot(from: &reader))
    case let kind: throw MessageError("a request of kind \(kind)")
    }
    try reader.end()
  }
}

extension MessageReader {
  fileprivate mutating func fileExtension() throws(MessageError) -> String? {
    try optional("extension") { reader throws(MessageError) in try reader.text("extension") }
  }

  /// Of rows or columns; never none.
  fileprivate mutating func places() throws(MessageError) -> [Int] {
    var places: [Int] = []
    for _ in 0..<(try number("number of places", in: 1...DecoderRequest.mostPlaces)) {
      places.append(try number("place", in: 0...Int(Int32.max)))
    }
    return places
  }
}

extension DecoderRequest {
  /// Rows and columns of a lattice that one message holds.
  static let mostPlaces = 8000
}

extension FrameSlot {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.put(offset)
    writer.put(capacity)
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    offset = try reader.number("offset", in: Message.count)
    capacity = try reader.number("capacity", in: Message.count)
  }

  fileprivate static func optional(
    from reader: inout MessageReader
  ) throws(MessageError) -> FrameSlot? {
    try reader.optional("slot") { reader throws(MessageError) in try FrameSlot(from: &reader) }
  }
}

extension OpenRequest {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.put(fileExtension) { $0.put($1) }
    sampling.write(to: &writer)
    writer.put(limits.maxPixels)
    writer.put(limits.maxStreams)
    writer.put(limits.maxPacketsWithoutFrame)
    writer.put(limits.maxBytesWithoutFrame)
    writer.put(limits.decoders)
    writer.put(limits.bytesAhead)
    writer.put(skipping)
    writer.put(hasGate)
    writer.put(hasLattice)
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    fileExtension = try reader.fileExtension()
    sampling = try FrameSampling(from: &reader)
    limits.maxPixels = try reader.number("limit of pixels", in: 0...Int.max)
    limits.maxStreams = try reader.number("limit of streams", in: 0...Int.max)
    limits.maxPacketsWithoutFrame = try reader.number("limit of packets", in: 0...Int.max)
    limits.maxBytesWithoutFrame = try reader.number("limit of bytes", in: 0...Int.max)
    limits.decoders = try reader.number("number of decoders", in: 1...MediaLimits.mostDecoders)
    limits.bytesAhead = try reader.number("limit of bytes ahead", in: 0...Int.max)
    skipping = try reader.number("frames to skip", in: 0...Int.max)
    hasGate = try reader.truth("gate")
    hasLattice = try reader.truth("lattice")
  }
}

extension FrameSampling {
  fileprivate func write(to writer: inout MessageWriter) {
    switch selection {
    case .all: writer.put(0)
    case .every(let step):
      writer.put(1)
      writer.put(step)
    case .rate(let rate):
      writer.put(2)
      writer.put(rate)
    case .keyframes: writer.put(3)
    }
    writer.put(start) { $0.put($1) }
    writer.put(end) { $0.put($1) }
    writer.put(maxFrames) { $0.put($1) }
    writer.put(needsFrameNumbers)
    writer.put(segment) {
      $0.put($1.count)
      $0.put($1.index)
    }
    writer.put(sameness) { writer, sameness in
      switch sameness {
      case .equalPixels: writer.put(false)
      case .still(let limit):
        writer.put(true)
        writer.put(limit)
      }
    }
  }

  fileprivate init(from reader: inout MessageReader) throws(MessageError) {
    let selection: Selection
    switch try reader.number("selection", in: 0...3) {
    case 1: selection = .every(try reader.number("step", in: 1...Int.max))
    case 2:
      let rate = try reader.decimal("rate")
      guard rate > 0 else { throw MessageError("\(rate) as rate") }
      selection = .rate(rate)
    case 3: selection = .keyframes
    default: selection = .all
    }
    self.init(selection: selection)
    start = try reader.optional("start") { reader throws(MessageError) in
      try reader.decimal("start")
    }
    end = try reader.optional("end") { reader throws(MessageError) in try reader.decimal("end") }
    maxFrames = try reader.optional("number of frames") { reader throws(MessageError) in
      try reader.number("number of frames", in: Int.min...Int.max)
    }
    needsFrameNumbers = try reader.truth("whether frames are numbered")
    segment = try reader.optional("segment") { reader throws(MessageError) in
      let count = try reader.number("number of segments", in: 1...Int.max)
      return Segment(index: try reader.number("segment", in: 0...count - 1), count: count)
    }
    sameness = try reader.optional("sameness") { reader throws(MessageError) in
      try reader.truth("kind of sameness") ? .still(try reader.decimal("limit")) : .equalPixels
    }
  }
}
