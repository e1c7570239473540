import CLinux
import Glibc
import SystemPackage

/// One end of a pair of sockets that keeps messages apart.
final class MessageSocket: Sendable {
  let descriptor: FileDescriptor

  /// Takes over a descriptor.
  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  deinit { close(descriptor.rawValue) }

  /// Two that are connected.
  ///
  /// - Throws: why there are none.
  static func pair() throws(Errno) -> (MessageSocket, MessageSocket) {
    var sockets: [Int32] = [-1, -1]
    let status = clinux_message_sockets(&sockets)
    guard status == 0 else { throw Errno(rawValue: -status) }
    return (
      MessageSocket(FileDescriptor(rawValue: sockets[0])),
      MessageSocket(FileDescriptor(rawValue: sockets[1]))
    )
  }

  /// Sends a message, and a descriptor with it.
  ///
  /// - Parameters:
  ///   - message: its bytes.
  ///   - file: what the other end gets a descriptor of.
  ///   - waits: whether to wait until there is room for it.
  /// - Throws: `.brokenPipe` where nobody is there; `.wouldBlock` where there is no room and nobody waits.
  func send(
    _ message: [UInt8], with file: FileDescriptor? = nil, waits: Bool = true
  ) throws(Errno) {
    let status = clinux_send(
      descriptor.rawValue, message, message.count, file?.rawValue ?? -1, waits)
    guard status == message.count else {
      throw status < 0 ? Errno(rawValue: Int32(-status)) : .ioError
    }
  }

  /// Waits for the next message.
  ///
  /// - Parameter buffer: used again and again; the message is its first bytes.
  /// - Returns: the message's length and the descriptor that came along; nil where no more will come.
  /// - Throws: `.messageTooLong` for one that is no message of this program.
  func receive(
    into buffer: inout [UInt8]
  ) throws(Errno) -> (count: Int, descriptor: FileDescriptor?)? {
    if buffer.count < Message.maxBytes { buffer = [UInt8](repeating: 0, count: Message.maxBytes) }
    var file: Int32 = -1
    let count = clinux_receive(descriptor.rawValue, &buffer, buffer.count, &file)
    // A child that dies with unread messages makes this a reset.
    if count == 0 || count == -Int(ECONNRESET) { return nil }
    guard count > 0 else { throw Errno(rawValue: Int32(-count)) }
    return (count, file < 0 ? nil : FileDescriptor(rawValue: file))
  }

  /// Waits until there is something to receive, or the other end is gone.
  ///
  /// - Returns: false after so many milliseconds without.
  func wait(milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) != 0
  }
}
