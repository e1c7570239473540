/// The classes of the COCO data set (Lin et al. 2014) by the columns of torchvision's 91-class heads: column =
/// category number, nil for column 0 and for the ten numbers that COCO never used.
enum COCOLabels {
  /// The 80 classes by the columns of heads without gaps, as Detectron2's and MMDetection's are.
  ///
  /// - Parameter count: the head's classes.
  /// - Returns: nil where they are not 80.
  static func contiguous(_ count: Int) -> [String]? {
    let labels = byColumn.compactMap { $0 }
    return labels.count == count ? labels : nil
  }

  static let byColumn: [String?] = [
    nil, "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", nil, "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", nil, "backpack",
    "umbrella", nil, nil, "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", nil, "wine glass", "cup", "fork", "knife", "spoon", "bowl",
    "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
    "cake", "chair", "couch", "potted plant", "bed", nil, "dining table", nil, nil, "toilet", nil,
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster",
    "sink", "refrigerator", nil, "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
    "toothbrush",
  ]
}
