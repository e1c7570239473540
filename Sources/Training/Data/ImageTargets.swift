import BoxGeometry

/// What the anchors of one image are trained to say. Anchors that are named nowhere are background.
public struct ImageTargets: Equatable, Sendable {
  /// An anchor that is trained as an object.
  public struct Object: Equatable, Sendable {
    /// Index of the anchor over all levels.
    public var anchorIndex: Int
    /// Column of the class head.
    public var classIndex: Int
    /// The object, in pixels of the network's input.
    public var box: Box

    /// Creates an object from its parts.
    public init(anchorIndex: Int, classIndex: Int, box: Box) {
      self.anchorIndex = anchorIndex
      self.classIndex = classIndex
      self.box = box
    }
  }

  /// Anchors of the image over all levels.
  public var anchorCount: Int
  /// By rising anchor index.
  public var objects: [Object]
  /// Anchors that take part in no loss, rising.
  public var ignoredAnchors: [Int]

  /// Creates targets from their parts.
  public init(anchorCount: Int, objects: [Object] = [], ignoredAnchors: [Int] = []) {
    self.anchorCount = anchorCount
    self.objects = objects
    self.ignoredAnchors = ignoredAnchors
  }
}
