import BoxGeometry

/// One annotated object of an image.
public struct LabelledBox: Equatable, Sendable {
  /// Column of the class head.
  public var classIndex: Int
  /// In pixels of the network's input, finite, with positive sides.
  public var box: Box

  /// Creates an object from its parts.
  public init(classIndex: Int, box: Box) {
    self.classIndex = classIndex
    self.box = box
  }
}

/// What the anchors of a batch of images, padded to one size, are trained to say.
public struct BatchTargets: Sendable {
  /// The anchors, the same for all images.
  public let grid: AnchorGrid
  /// By image.
  public let images: [ImageTargets]

  /// Assigns the objects of each image to anchors.
  ///
  /// - Parameters:
  ///   - objects: by image. The box an anchor learns is that of the object it was given, uncut.
  ///   - grid: the anchors over the padded input. P6's and P7's depend on the padding (see `AnchorGrid`), so a
  ///     batch's targets are not those of its images alone.
  ///   - matcher: the rule.
  public init(
    _ objects: [[LabelledBox]], grid: AnchorGrid, matcher: AnchorMatcher = AnchorMatcher()
  ) {
    let anchors = grid.makeAnchors()
    self.grid = grid
    images = concurrentMap(objects.count) { image in
      let objects = objects[image]
      var targets = ImageTargets(anchorCount: grid.count)
      let assignments = matcher.assign(objects.map(\.box), to: anchors)
      for (anchor, assignment) in assignments.enumerated() {
        switch assignment {
        case .background:
          break
        case .ignored:
          targets.ignoredAnchors.append(anchor)
        case .object(let index):
          targets.objects.append(
            ImageTargets.Object(
              anchorIndex: anchor, classIndex: objects[index].classIndex, box: objects[index].box))
        }
      }
      return targets
    }
  }

  /// Anchors of each image that are objects.
  public var objectCounts: [Int] { images.map(\.objects.count) }
}
