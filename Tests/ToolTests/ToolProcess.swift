import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The outcome of a run of the real program.
struct ToolOutcome {
  /// The exit code, or 128 + the signal that ended the process.
  let status: Int32
  /// A signal ended the process: it did not end itself.
  let wasKilled: Bool
  let output: [UInt8]
  let messages: String

  var text: String { String(decoding: output, as: UTF8.self) }
  var messageLines: [String] { messages.split(separator: "\n").map(String.init) }
}

/// A fresh directory for one test, taken away at its end.
final class Workspace {
  let path: FilePath

  init() throws {
    var template = Array("/tmp/detect-batch-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    path = FilePath(platformString: template)
  }

  deinit {
    // A directory that cannot be removed does not fail a test that passed.
    try? FileManager.default.removeItem(atPath: path.string)
  }

  func file(_ name: String) -> FilePath { path.appending(FilePath(name).components) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try write(file(name), bytes)
  }

  func write(_ path: FilePath, _ bytes: [UInt8]) throws {
    let folder = path.removingLastComponent()
    try FileManager.default.createDirectory(
      atPath: folder.string, withIntermediateDirectories: true)
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    _ = try file.closeAfter { try file.writeAll(bytes) }
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func read(_ name: String) throws -> [UInt8] { try Bytes.of(file(name)) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).string) }
}

enum Bytes {
  static func of(_ path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
        if count == 0 { return bytes }
        bytes.append(contentsOf: piece[..<count])
      }
    }
  }
}

/// The program as it was built beside the tests, and the inputs that come along.
enum Tool {
  static let program = FilePath("/proc/self/exe").resolvedLink
    .removingLastComponent().appending("detect-batch")
  static let samples = FilePath(TestData.packageRoot.path).appending("samples")

  /// Runs the program.
  ///
  /// - Parameters:
  ///   - arguments: texts, or bytes that are not text.
  ///   - workspace: its working directory; standard output and error are files there.
  ///   - environment: added to this process's.
  ///   - input: what stands on its standard input.
  ///   - output: where standard output goes instead of into the outcome.
  /// - Returns: how it ended and what it wrote.
  /// - Throws: why it could not be started.
  static func run(
    _ arguments: [any Argument], in workspace: Workspace, environment: [String: String] = [:],
    input: [UInt8] = [], output: FilePath? = nil
  ) throws -> ToolOutcome {
    try run(
      program, arguments, in: workspace, environment: environment, input: input, output: output)
  }

  /// Runs any program in the same way.
  static func run(
    _ program: FilePath, _ arguments: [any Argument], in workspace: Workspace,
    environment: [String: String] = [:], input: [UInt8] = [], output: FilePath? = nil
  ) throws -> ToolOutcome {
    let process = try start(
      program, arguments, in: workspace, environment: environment, input: input, output: output)
    return try process.wait()
  }

  /// Starts any program.
  static func start(
    _ program: FilePath, _ arguments: [any Argument], in workspace: Workspace,
    environment: [String: String] = [:], input: [UInt8] = [], output: FilePath? = nil
  ) throws -> RunningTool {
    // Beside the directory, so that they are no inputs of the run.
    let base = workspace.path.string
    let streams = (0...2).map { FilePath("\(base).\($0).\(UInt32.random(in: 0 ... .max))") }
    try workspace.write(streams[0], input)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, streams[0].string, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 1, (output ?? streams[1]).string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(
      &actions, 2, streams[2].string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)

    // The threads that tests run on block signals, which the program must not take over.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var variables = ProcessInfo.processInfo.environment.filter {
      !$0.key.hasPrefix("SLURM_") && !$0.key.hasPrefix("DETECT_BATCH")
    }
    variables.merge(environment) { $1 }
    // Swift does not see posix_spawn_file_actions_addchdir_np: `env` changes the directory, and becomes the program.
    let launcher = ["env", "-C", base, program.string].map(\.bytes)
    let argumentBytes = launcher + arguments.map(\.bytes)
    let environmentBytes = variables.map { Array("\($0.key)=\($0.value)".utf8) }

    var id: pid_t = 0
    let code = withCStrings(argumentBytes) { arguments in
      withCStrings(environmentBytes) { environment in
        posix_spawn(&id, "/usr/bin/env", &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else { throw Errno(rawValue: code) }
    return RunningTool(id: id, streams: streams)
  }

  private static func withCStrings<Result>(
    _ texts: [[UInt8]],
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = texts.map { strdup(($0 + [0]).map { CChar(bitPattern: $0) }) } + [nil]
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      // The array ends with nil, so it is not empty.
      guard let start = buffer.baseAddress else { preconditionFailure("no strings") }
      return body(start)
    }
  }
}

/// A program that was started, and that is killed with the last reference if it still runs.
///
/// Every process has to be waited for: the exit tests of Swift Testing look for the end of their own child by asking
/// for that of any child, and behind one that nobody has waited for they never see it, so that the tests never end.
final class RunningTool {
  let id: pid_t
  private let streams: [FilePath]
  private var hasEnded = false

  fileprivate init(id: pid_t, streams: [FilePath]) {
    self.id = id
    self.streams = streams
  }

  deinit {
    if !hasEnded {
      kill(id, SIGKILL)
      var status: Int32 = 0
      waitpid(id, &status, 0)
    }
    // Files of streams that went elsewhere do not exist.
    for stream in streams { try? FileManager.default.removeItem(atPath: stream.string) }
  }

  func send(_ signal: Int32) { kill(id, signal) }

  /// Whether its first thread keeps a signal from interrupting it.
  func blocks(_ signal: Int32) throws -> Bool {
    let text = String(decoding: try Bytes.of(FilePath("/proc/\(id)/status")), as: UTF8.self)
    let mask = text.firstMatch(of: /SigBlk:\s*([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) } ?? 0
    // Not while all are blocked, as for a moment where glibc starts a thread: SIGHUP, the lowest bit, is never blocked for long.
    return mask >> UInt64(signal - 1) & 1 == 1 && mask & 1 == 0
  }

  /// What it has written to standard output up to now.
  func output() throws -> String { String(decoding: try Bytes.of(streams[1]), as: UTF8.self) }

  /// What it has said on standard error up to now.
  func messages() throws -> String { String(decoding: try Bytes.of(streams[2]), as: UTF8.self) }

  /// Waits for the end; a process that takes longer than ten minutes is killed.
  func wait() throws -> ToolOutcome {
    var status: Int32 = 0
    let limit = ContinuousClock.now + .seconds(600)
    while waitpid(id, &status, WNOHANG) == 0 {
      if ContinuousClock.now > limit { kill(id, SIGKILL) }
      usleep(5000)
    }
    hasEnded = true
    let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
    let hasOutput = FileManager.default.fileExists(atPath: streams[1].string)
    return ToolOutcome(
      status: code, wasKilled: status & 0x7f != 0,
      output: hasOutput ? try Bytes.of(streams[1]) : [], messages: try messages())
  }
}

/// What can stand on a command line.
protocol Argument {
  var bytes: [UInt8] { get }
}

extension String: Argument {
  var bytes: [UInt8] { Array(utf8) }
}

extension FilePath: Argument {
  var bytes: [UInt8] {
    withPlatformString { text in (0..<length).map { UInt8(bitPattern: text[$0]) } }
  }
}

extension FilePath {
  fileprivate var resolvedLink: FilePath {
    // A path that is no link stands for itself.
    (try? FileManager.default.destinationOfSymbolicLink(atPath: string)).map { FilePath($0) }
      ?? self
  }
}
