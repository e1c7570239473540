/// What people marked in a set of images: the ground truth of an evaluation.
public struct COCOAnnotations: Sendable {
  /// One image of the set.
  public struct Image: Equatable, Sendable {
    /// Its number in the file.
    public var id: Int
    /// Its path or name as the file writes it; empty where the file has none.
    public var fileName: String
    /// Width in pixels, if the file says it.
    public var width: Int?
    /// Height in pixels, if the file says it.
    public var height: Int?

    /// Creates an image from its parts.
    public init(id: Int, fileName: String, width: Int? = nil, height: Int? = nil) {
      self.id = id
      self.fileName = fileName
      self.width = width
      self.height = height
    }
  }

  /// One kind of object.
  public struct Category: Equatable, Sendable {
    /// Its number in the file.
    public var id: Int
    /// Its label; the number's digits where the file has none.
    public var name: String

    /// Creates a category from its parts.
    public init(id: Int, name: String) {
      self.id = id
      self.name = name
    }
  }

  /// One marked object.
  public struct Object: Equatable, Sendable {
    /// Its number in the file.
    public var id: Int
    /// The image it lies in.
    public var imageID: Int
    /// The category it belongs to.
    public var categoryID: Int
    /// Its box in pixels.
    public var box: COCOBox
    /// Its area in pixels, which chooses among small, medium and large: of the mask in COCO's own files.
    public var area: Double
    /// Whether it is a crowd: a region in which detections are neither right nor wrong.
    public var isCrowd: Bool

    /// Creates an object; without an area it gets its box's.
    public init(
      id: Int, imageID: Int, categoryID: Int, box: COCOBox, area: Double? = nil,
      isCrowd: Bool = false
    ) {
      self.id = id
      self.imageID = imageID
      self.categoryID = categoryID
      self.box = box
      self.area = area ?? box.area
      self.isCrowd = isCrowd
    }
  }

  /// The images in the file's order; of several with one id the last counts.
  public var images: [Image]
  /// The categories in the file's order; of several with one id the last counts.
  public var categories: [Category]
  /// The objects in the file's order.
  public var objects: [Object]

  /// Creates annotations from their parts.
  public init(images: [Image], categories: [Category], objects: [Object]) {
    self.images = images
    self.categories = categories
    self.objects = objects
  }
}
