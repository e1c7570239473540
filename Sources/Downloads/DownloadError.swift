import Failures
import Files
import SystemPackage

/// Why a file could not be fetched.
public struct DownloadError: ClassifiedError, Equatable, Sendable {
  /// What is wrong.
  public enum Problem: Equatable, Sendable {
    /// No answer, or none that is one; what the library says of it.
    case unreachable(String)
    /// The server's answer, as 404.
    case refused(status: Int)
    /// It ended, or came to a stop, again and again; how much is there.
    case interrupted(String, received: Int)
    /// The server sends more than there should be.
    case tooLarge(limit: Int)
    /// What was received cannot be stored; on what file.
    case unwritable(Errno, file: String)
    /// Another process is at it.
    case locked(file: String)
    /// The caller asked to stop.
    case stopped
  }

  /// Where from, without a name and a password.
  public let address: String
  /// What is wrong.
  public let problem: Problem

  init(_ address: String, _ problem: Problem) {
    self.address = Download.shown(address)
    self.problem = problem
  }

  /// The kind.
  public var kind: FailureKind {
    switch problem {
    case .unreachable, .refused, .interrupted: .missingInput
    case .tooLarge: .unusableInput
    case .unwritable(let code, _): code.kindForOutput
    case .locked: .locked
    case .stopped: .stopped
    }
  }

  /// One line: the address, what is wrong, and what to do where something can be done.
  public var description: String {
    switch problem {
    case .unreachable(let what):
      "\(address): cannot be fetched: \(what)"
    case .refused(404), .refused(410):
      "\(address): is not there (HTTP 404): it was moved or taken away"
    case .refused(let status):
      "\(address): the server answers HTTP \(status)"
    case .interrupted(let what, let received):
      "\(address): \(what), after \(received) bytes, which are kept: the same command goes on after them"
    case .tooLarge(let limit):
      "\(address): sends more than \(limit) bytes: not the file that was published"
    case .unwritable(let errno, let file):
      "\(file): writing failed: \(errno)"
    case .locked(let file):
      "\(file): another process is fetching it"
    case .stopped:
      "\(address): stopped; what was received is kept: the same command goes on after it"
    }
  }
}
