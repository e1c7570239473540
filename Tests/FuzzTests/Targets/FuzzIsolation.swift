@testable import FrameDecoding

enum FuzzIsolation {
  /// What is read as a reply is written and read as the same reply.
  static func reply(_ message: [UInt8]) {
    guard let reply = try? DecoderReply(message[...]) else { return }
    precondition((try? DecoderReply(reply.message[...])) == reply, "\(reply) came back as another")
    precondition(reply.message.count <= Message.maxBytes, "a message that cannot be sent")
  }

  /// What is read as a request is written and read as the same request.
  static func request(_ message: [UInt8]) {
    guard let request = try? DecoderRequest(message[...]) else { return }
    precondition(
      (try? DecoderRequest(request.message[...])) == request, "\(request) came back as another")
  }

  /// Takes and gives back: each four bytes are a size, or name a slot that is given back.
  static func arena(_ bytes: UnsafeRawBufferPointer) {
    guard let arena = try? FrameArena(maxPixels: 1 << 18) else { return }
    var held: [FrameSlot] = []
    var rest = bytes[...]
    while rest.count >= 4 {
      let word = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      // A place for more than is free would be waited for.
      let size = word % arena.capacity
      if word % 3 != 0, hasGap(of: size + Scaler.padding + (1 << 16), held, arena.capacity) {
        guard let slot = arena.take(forPicture: size) else { preconditionFailure("no place") }
        precondition(slot.capacity >= size + Scaler.padding && slot.offset >= 0)
        precondition(slot.offset + slot.capacity <= arena.capacity)
        precondition(
          held.allSatisfy {
            $0.offset + $0.capacity <= slot.offset || slot.offset + slot.capacity <= $0.offset
          })
        held.append(slot)
      } else if !held.isEmpty {
        arena.giveBack(held.remove(at: word / 3 % held.count))
      }
    }
  }

  private static func hasGap(of bytes: Int, _ held: [FrameSlot], _ capacity: Int) -> Bool {
    var start = 0
    for slot in held.sorted(by: { $0.offset < $1.offset }) {
      if slot.offset - start >= bytes { return true }
      start = slot.offset + slot.capacity
    }
    return capacity - start >= bytes
  }
}
