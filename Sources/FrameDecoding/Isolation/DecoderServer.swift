import CFFmpeg
import CHEIF
import CLinux
import Glibc
import Media
import Synchronization
import SystemPackage

/// What the program is when it was started as a decoder process: it gives up all rights that it can, then opens and
/// decodes what its parent hands it, one input after the other, until the parent is gone.
///
/// All on one thread, but for the decoders of a `DecoderTeam`; the end of the process is the way out of everything that cannot be.
public final class DecoderServer: Sendable {
  /// Where the parent puts what a child gets.
  private static let socketNumber: Int32 = 3
  private static let memoryNumber: Int32 = 4
  private static let progressInterval = Duration.milliseconds(250)

  private let socket = MessageSocket(FileDescriptor(rawValue: socketNumber))
  // Shared with the parent for as long as this process lives. No pointer into it leaves `serveFrame`.
  private nonisolated(unsafe) let memory: UnsafeMutableBufferPointer<UInt8>
  private let buffer = Mutex<[UInt8]>([])
  #if DEBUG
    private let fault = DecoderFault()
  #endif

  /// Whether these are the arguments of a decoder process.
  public static func isMeant(by arguments: [String]) -> Bool {
    arguments.count == 3 && arguments[1] == DecoderProcess.command
  }

  /// Serves the parent, which is named in the arguments, until it is gone.
  public static func run(_ arguments: [String]) -> Never {
    // What a terminal or a supervisor sends to a whole group of processes is the parent's business.
    for ignored in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { signal(ignored, SIG_IGN) }
    clinux_close_from(memoryNumber + 1)
    guard let parent = pid_t(arguments[2]), clinux_die_with(parent) == 0,
      let memory = mapMemory()
    else { _exit(1) }
    // libheif's decoders are files of their own from Debian 13 on; it says with each picture what it lacks.
    _ = heif_init(nil)
    let lacking = Confinement.begin()
    let server = DecoderServer(memory)
    server.say(.ready(lacking: lacking))
    while true {
      switch server.hear() {
      case (.open(let request), let file?): server.serve(request, file)
      case (.openSound(let fileExtension), let file?): server.serveSound(fileExtension, file)
      // Of an input that could not be opened, here or there.
      case (.close, _): continue
      default: _exit(2)
      }
    }
  }

  private init(_ memory: UnsafeMutableBufferPointer<UInt8>) { self.memory = memory }

  private static func mapMemory() -> UnsafeMutableBufferPointer<UInt8>? {
    var status = stat()
    guard fstat(memoryNumber, &status) == 0 else { return nil }
    let count = Int(status.st_size)
    guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, memoryNumber, 0),
      start != MAP_FAILED
    else { return nil }
    close(memoryNumber)
    return UnsafeMutableRawBufferPointer(start: start, count: count).bindMemory(to: UInt8.self)
  }

  private func hear() -> (DecoderRequest, FileDescriptor?) {
    buffer.withLock { buffer in
      do {
        guard let (count, file) = try socket.receive(into: &buffer) else { _exit(0) }
        return (try DecoderRequest(buffer[..<count]), file)
      } catch {
        _exit(2)
      }
    }
  }

  private func say(_ reply: DecoderReply) { say(reply.message) }

  private func say(_ message: [UInt8]) {
    do { try socket.send(message) } catch { _exit(0) }
  }

  /// Reads one input, until the parent has had enough of it.
  private func serve(_ request: OpenRequest, _ descriptor: FileDescriptor) {
    do throws(MediaError) {
      let reader = try open(request, descriptor)
      #if DEBUG
        fault.strikeOpening(.opened(reader.info, reader.report), socket)
      #else
        say(.opened(reader.info, reader.report))
      #endif
      while true {
        switch hear().0 {
        case .next(let slot): serveFrame(of: reader, slot)
        case .find: serveFound(of: reader)
        case .nextSource(let slot): serveSourceFrame(of: reader, slot)
        case .close: return
        default: _exit(2)
        }
      }
    } catch {
      say(.failed(error, DecodingReport()))
    }
  }

  private func open(
    _ request: OpenRequest, _ descriptor: FileDescriptor
  ) throws(MediaError) -> MediaReader {
    let file = try OpenFile(descriptor)
    var limits = request.limits
    if request.hasGate {
      limits.pictureGate = PictureGate { bytes in
        self.say(.asksForMemory(bytes))
        guard case .pass = self.hear().0 else { _exit(2) }
      }
    }
    return try MediaReader(
      try FileSource(file, limits: limits, cancellation: MediaCancellation()),
      fileExtension: request.fileExtension, sampling: request.sampling, limits: limits,
      skipping: request.skipping, lattice: request.hasLattice ? askedLattice() : nil)
  }

  /// What the parent wants of pictures of a size; asked once for each that comes after another one.
  private func askedLattice() -> LatticeRule {
    let known = Mutex<(width: Int, height: Int, lattice: PictureLattice?)?>(nil)
    return { width, height in
      known.withLock { known in
        if let known, known.width == width, known.height == height { return known.lattice }
        self.say(.asksForLattice(width: width, height: height))
        guard case .lattice(let lattice) = self.hear().0,
          lattice?.fits(width: width, height: height) ?? true
        else { _exit(2) }
        known = (width, height, lattice)
        return lattice
      }
    }
  }

  private func serveFrame(of reader: MediaReader, _ offered: FrameSlot?) {
    serve(reader) { progress throws(MediaError) in
      let frame = try reader.nextFrame(progress: progress) { width, height, lattice in
        place(for: width, height, lattice, offered)
      }
      return frame.map { facts, width, height in
        (facts.index ?? 0, .frame(facts, width: width, height: height, reader.report))
      }
    }
  }

  private func serveFound(of reader: MediaReader) {
    serve(reader) { progress throws(MediaError) in
      try reader.find(progress).map { ($0.index ?? 0, .found($0)) }
    }
  }

  private func serveSourceFrame(of reader: MediaReader, _ offered: FrameSlot?) {
    serve(reader) { progress throws(MediaError) in
      let frame = try reader.nextSourceFrame(progress: progress) { width, height in
        place(for: width, height, nil, offered)
      }
      return frame.map { facts, width, height in
        (facts.index, .sourceFrame(facts, width: width, height: height, reader.report))
      }
    }
  }

  /// Says what `body` has come to, with the frame's number, and that there is progress meanwhile.
  private func serve(
    _ reader: MediaReader,
    _ body: (_ progress: (Int) -> Void) throws(MediaError) -> (Int, DecoderReply)?
  ) {
    var lastSign = ContinuousClock.now
    do throws(MediaError) {
      let reply = try body { frames in
        guard lastSign.duration(to: .now) > Self.progressInterval else { return }
        lastSign = .now
        say(.progress(frames))
      }
      guard let (number, reply) = reply else { return say(.ended(reader.report)) }
      #if DEBUG
        fault.strike(number, reply, memory, socket)
      #else
        _ = number
        say(reply)
      #endif
    } catch {
      say(.failed(error, reader.report))
    }
  }

  /// The slot that was offered, or another one if the picture does not fit.
  private func place(
    for width: Int, _ height: Int, _ lattice: PictureLattice?, _ offered: FrameSlot?
  ) -> UnsafeMutableBufferPointer<UInt8> {
    let bytes = 3 * (lattice?.count ?? width * height) + Scaler.padding
    var slot = offered
    if bytes > slot?.capacity ?? 0 {
      say(.asksForSlot(width: width, height: height))
      guard case .slot(let larger) = hear().0 else { _exit(2) }
      slot = larger
    }
    guard let slot, bytes <= slot.capacity else { _exit(2) }
    return place(slot)
  }

  private func place(_ slot: FrameSlot) -> UnsafeMutableBufferPointer<UInt8> {
    guard slot.offset <= memory.count - slot.capacity else { _exit(2) }
    return UnsafeMutableBufferPointer(rebasing: memory[slot.offset..<slot.offset + slot.capacity])
  }
}

/// Sound.
extension DecoderServer {
  /// Reads the sound of one input, until the parent has had enough of it.
  private func serveSound(_ fileExtension: String?, _ descriptor: FileDescriptor) {
    do throws(MediaError) {
      let limits = MediaLimits()
      let reader = try SoundReader(
        try FileSource(
          try OpenFile(descriptor), limits: limits, cancellation: MediaCancellation()),
        fileExtension: fileExtension, limits: limits)
      guard let reader else { return say(.sound(nil)) }
      saySound(0, .sound(reader.format))
      let sound = OpenSound(reader)
      var number = 0
      while true {
        number += 1
        switch hear().0 {
        case .nextPacket(let slot): saySound(number, packet(sound, slot))
        case .nextSamples(let slot): saySound(number, samples(sound, slot))
        case .close: return
        default: _exit(2)
        }
      }
    } catch {
      say(.failed(error, DecodingReport()))
    }
  }

  private func packet(_ sound: OpenSound, _ slot: FrameSlot) -> DecoderReply {
    guard let packet = sound.nextPacket() else { return .ended(DecodingReport()) }
    let place = UnsafeMutableRawBufferPointer(place(slot))
    guard packet.bytes.count <= place.count else { _exit(2) }
    place.copyBytes(from: packet.bytes)
    return .packet(
      PacketFacts(
        timestamp: packet.timestamp, duration: packet.duration, bytes: packet.bytes.count))
  }

  private func samples(_ sound: OpenSound, _ slot: FrameSlot) -> DecoderReply {
    do throws(MediaError) {
      guard let samples = try sound.nextSamples() else { return .ended(DecodingReport()) }
      let facts = SampleFacts(
        timestamp: samples.timestamp, sampleRate: samples.sampleRate,
        channels: samples.channels.count, count: samples.channels.first?.count ?? 0)
      let place = UnsafeMutableRawBufferPointer(place(slot))
      guard facts.bytes <= place.count else { _exit(2) }
      var offset = 0
      for channel in samples.channels {
        channel.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: place[offset...]).copyMemory(from: bytes)
          offset += bytes.count
        }
      }
      return .samples(facts)
    } catch {
      return .failed(error, DecodingReport())
    }
  }

  /// Says the n-th thing about the sound.
  private func saySound(_ number: Int, _ reply: DecoderReply) {
    #if DEBUG
      fault.strikeSound(number, reply, memory, socket)
    #else
      say(reply)
    #endif
  }
}
