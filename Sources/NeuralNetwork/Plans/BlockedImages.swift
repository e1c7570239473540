/// Where an image in blocked layout lies.
struct BlockedMemory {
  var base: UnsafeMutablePointer<Float>
  var channels: Int
  var height: Int
  var width: Int
  /// 8 or 16; 1 in plain order.
  var block: Int
}

/// Read access to several images, such as a network's outputs. As long-lived as their memory's owner, at most: the
/// compiler refuses to store or return it beyond.
public struct BlockedImages: ~Escapable {
  let memories: [BlockedMemory]

  /// A view of memory that `owner` keeps as long as it lives.
  @_lifetime(borrow owner)
  init<Owner: ~Copyable>(_ memories: [BlockedMemory], of owner: borrowing Owner) {
    self.memories = memories
  }

  @_lifetime(copy images)
  private init(_ images: BlockedImages, _ range: Range<Int>) {
    memories = Array(images.memories[range])
  }

  /// How many there are.
  public var count: Int { memories.count }

  /// One of them; `index` is in 0..<count.
  public subscript(index: Int) -> BlockedImage {
    @_lifetime(copy self)
    get { BlockedImage(self, index) }
  }

  /// Some of them, counted from 0 again.
  public subscript(range: Range<Int>) -> BlockedImages {
    @_lifetime(copy self)
    get { BlockedImages(self, range) }
  }

  /// What `transform` makes of each.
  public func map<Result, Failure>(
    _ transform: (BlockedImage) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(count)
    for index in 0..<count { results.append(try transform(self[index])) }
    return results
  }
}

/// Write access to several images, such as the gradients by a network's outputs: one of them at a time.
public struct MutableBlockedImages: ~Copyable, ~Escapable {
  let memories: [BlockedMemory]

  /// A view of memory that `owner` keeps as long as it lives.
  @_lifetime(borrow owner)
  init<Owner: ~Copyable>(_ memories: [BlockedMemory], of owner: borrowing Owner) {
    self.memories = memories
  }

  /// How many there are.
  public var count: Int { memories.count }

  /// One of them; `index` is in 0..<count. Lent for one access, not given away: a second writer is refused.
  public subscript(index: Int) -> MutableBlockedImage {
    @_lifetime(borrow self)
    _read {
      yield MutableBlockedImage(self, index)
    }
    @_lifetime(&self)
    _modify {
      var image = MutableBlockedImage(self, index)
      yield &image
    }
  }
}
