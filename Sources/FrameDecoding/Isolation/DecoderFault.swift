#if DEBUG
  import CLinux
  import CSeccomp
  import Glibc
  import Media
  import SystemPackage

  /// What a decoder process does wrong on purpose, for tests: `DETECT_BATCH_DECODER_FAULT=KIND@FRAME` in its environment,
  /// or `sound-KIND@N` for what it says of sound. Not in release builds.
  struct DecoderFault: Sendable {
    private let kind: String
    private let frame: Int
    private let isOfSound: Bool

    init() {
      let text = getenv("DETECT_BATCH_DECODER_FAULT").map { String(cString: $0) } ?? ""
      let parts = text.split(separator: "@")
      let name = parts.count == 2 ? String(parts[0]) : ""
      isOfSound = name.hasPrefix("sound-")
      kind = isOfSound ? String(name.dropFirst(6)) : name
      frame = parts.count == 2 ? Int(parts[1]) ?? -1 : -1
    }

    /// Says that the input is open, with a field that cannot be if the fault is `opened-FIELD`, or something else
    /// than that.
    func strikeOpening(_ reply: DecoderReply, _ socket: MessageSocket) {
      var message = reply.message
      if kind == "opened-frame" {
        let facts = FrameFacts(index: 0, time: 0, isCorrupt: false, isKeyframe: true)
        message = DecoderReply.frame(facts, width: 1, height: 1, DecodingReport()).message
      } else if kind.hasPrefix("opened-"), let field = Int(kind.dropFirst(7)) {
        message = Self.lie(in: field, of: reply) ?? message
      }
      do { try socket.send(message) } catch { _exit(0) }
    }

    /// The message with a number for this field that is beyond all bounds and as a decimal none, or a truth that is
    /// neither; nil where there is no such field.
    static func lie(in field: Int, of reply: DecoderReply) -> [UInt8]? {
      let (starts, bytes) = (reply.written.fields, reply.message)
      guard starts.indices.contains(field) else { return nil }
      let end = field + 1 < starts.count ? starts[field + 1] : bytes.count
      let count = min(8, end - starts[field])
      let nonsense: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
      return Array(bytes[..<starts[field]]) + nonsense.prefix(count)
        + bytes[(starts[field] + count)...]
    }

    /// Sends the reply about a frame, or does something else if this is the frame.
    func strike(
      _ number: Int, _ reply: DecoderReply, _ memory: UnsafeMutableBufferPointer<UInt8>,
      _ socket: MessageSocket
    ) {
      strike(number == frame && !isOfSound, reply, memory, socket)
    }

    /// The same of the n-th reply about sound, of which the first, 0, says what it is.
    func strikeSound(
      _ number: Int, _ reply: DecoderReply, _ memory: UnsafeMutableBufferPointer<UInt8>,
      _ socket: MessageSocket
    ) {
      strike(number == frame && isOfSound, reply, memory, socket)
    }

    private func strike(
      _ isDue: Bool, _ reply: DecoderReply, _ memory: UnsafeMutableBufferPointer<UInt8>,
      _ socket: MessageSocket
    ) {
      var message = reply.message
      if isDue {
        if let lie = lie(about: reply) {
          message = lie
        } else {
          misbehave(memory, socket)
        }
      }
      do { try socket.send(message) } catch { _exit(0) }
    }

    /// A message in which one field cannot be true.
    private func lie(about reply: DecoderReply) -> [UInt8]? {
      if kind.hasPrefix("field-"), let field = Int(kind.dropFirst(6)) {
        return Self.lie(in: field, of: reply) ?? reply.message
      }
      if kind == "extreme" { return Self.extreme(of: reply) }
      guard case .frame(var facts, var width, var height, var report) = reply else { return nil }
      switch kind {
      case "version": return [Message.version + 1] + reply.message.dropFirst()
      case "kind": return [Message.version, 200] + reply.message.dropFirst(2)
      case "empty": return [Message.version]
      case "short": return Array(reply.message.dropLast())
      case "long": return reply.message + [0]
      case "huge": return [UInt8](repeating: 1, count: Message.maxBytes + 1)
      case "again": return DecoderReply.ready(lacking: []).message
      case "memory": return DecoderReply.asksForMemory(-1).message
      case "slot": return DecoderReply.asksForSlot(width: 1 << 30, height: 1 << 30).message
      case "progress": return DecoderReply.progress(.max).message
      case "width": width = width * 1000
      case "height": height = -1
      case "larger": (width, height) = (1 << 14, 1 << 14)
      case "index": facts.index = -1
      case "time": facts.time = .nan
      case "decoded": report.framesDecoded = .max
      case "corrupt": report.corruptFrames = -1
      case "errors": report.decodeErrors = .max
      case "untimed": report.untimedFrames = .min
      default: return nil
      }
      return DecoderReply.frame(facts, width: width, height: height, report).message
    }

    /// The message with numbers that can be, and that nothing has.
    private static func extreme(of reply: DecoderReply) -> [UInt8]? {
      switch reply {
      case .sourceFrame(var facts, let width, let height, let report):
        facts.timestamp = .max
        facts.duration = SourceFrame.longest
        facts.time = .greatestFiniteMagnitude
        facts.pixelShape = Ratio(.max, 1)
        return DecoderReply.sourceFrame(facts, width: width, height: height, report).message
      case .frame(var facts, let width, let height, let report):
        facts.time = .greatestFiniteMagnitude
        return DecoderReply.frame(facts, width: width, height: height, report).message
      case .sound(var format?):
        format.timeBase = Ratio(.max, 1)
        (format.channels, format.frameSamples) = (Int(Int32.max), Int(Int32.max))
        (format.bitRate, format.profile) = (.max, Int(Int32.min))
        return DecoderReply.sound(format).message
      case .packet(var facts):
        (facts.timestamp, facts.duration) = (.max, .max)
        return DecoderReply.packet(facts).message
      case .samples(var facts):
        (facts.timestamp, facts.sampleRate) = (.min + 1, Int(Int32.max))
        return DecoderReply.samples(facts).message
      default: return nil
      }
    }

    private func misbehave(
      _ memory: UnsafeMutableBufferPointer<UInt8>, _ socket: MessageSocket
    ) {
      switch kind {
      case "crash": raise(SIGSEGV)
      case "abort": abort()
      case "exit": _exit(7)
      case "spin": while getpid() > 0 {}
      case "allocate":
        while let block = malloc(64 << 20) { memset(block, 1, 4096) }
        fatalError("no memory is left")
      case "scribble": memory[..<min(memory.count, 64 << 20)].update(repeating: 0xa5)
      case "close":
        close(socket.descriptor.rawValue)
        while true { pause() }
      default: attempt(socket)
      }
    }

    /// Makes a system call that a decoder has no use for, and says what came of it.
    private func attempt(_ socket: MessageSocket) {
      // Without the filter, to see what Landlock alone refuses.
      let words = kind.split(separator: ":")
      let call = String(words[0].split(separator: "-").last ?? "")
      if call == "process_vm_readv", words.count == 2 { return readByte(words[1], socket) }
      let number = seccomp_syscall_resolve_name(call)
      let result =
        switch call {
        case "openat":
          "/etc/passwd".withCString { make(number, Int(AT_FDCWD), address($0), 0, 0) }
        case "execve": "/bin/true".withCString { make(number, address($0), 0, 0, 0) }
        case "mkdirat":
          "/tmp/detect-batch-escaped".withCString {
            make(number, Int(AT_FDCWD), address($0), 0o700, 0)
          }
        case "socket": make(number, Int(AF_INET), 1, 0, 0)
        case "kill": make(number, Int(getppid()), Int(SIGTERM), 0, 0)
        case "ptrace": make(number, 16, Int(getppid()), 0, 0)
        case "clone": make(number, Int(SIGCHLD), 0, 0, 0)
        // With one empty piece on either side it asks for the right alone.
        case "process_vm_readv": make(number, Int(getppid()), 0, 0, 0)
        default: make(number, 0, 0, 0, 0)
        }
      let text = result < 0 ? "\(Errno(rawValue: Int32(-result)))" : "not refused"
      let failure = MediaError(.data, "\(call): \(text)")
      do { try socket.send(DecoderReply.failed(failure, DecodingReport()).message) } catch {
        _exit(0)
      }
    }

    /// Reads one byte of the parent's, at an address in hexadecimal.
    private func readByte(_ address: Substring, _ socket: MessageSocket) {
      var byte: UInt8 = 0
      let result = withUnsafeMutableBytes(of: &byte) { byte in
        var mine = iovec(iov_base: byte.baseAddress, iov_len: 1)
        var theirs = iovec(
          iov_base: UnsafeMutableRawPointer(bitPattern: UInt(address, radix: 16) ?? 0), iov_len: 1)
        return clinux_read_memory(getppid(), &mine, &theirs)
      }
      let text = result < 0 ? "\(Errno(rawValue: Int32(-result)))" : "read \(byte)"
      let failure = MediaError(.data, "process_vm_readv: \(text)")
      do { try socket.send(DecoderReply.failed(failure, DecodingReport()).message) } catch {
        _exit(0)
      }
    }

    private func make(_ call: Int32, _ first: Int, _ second: Int, _ third: Int, _ fourth: Int)
      -> Int
    {
      clinux_call(Int(call), first, second, third, fourth)
    }

    private func address(_ text: UnsafePointer<CChar>) -> Int { Int(bitPattern: text) }

    /// Whether this process does without all limits, to see that what is refused elsewhere would be possible.
    static var isUnconfined: Bool {
      getenv("DETECT_BATCH_DECODER_FAULT").map { String(cString: $0).hasPrefix("unconfined-") }
        ?? false
    }

    /// Whether this process does without the filter of system calls.
    static var isUnfiltered: Bool {
      getenv("DETECT_BATCH_DECODER_FAULT").map { String(cString: $0).hasPrefix("unfiltered-") }
        ?? false
    }
  }
#endif
