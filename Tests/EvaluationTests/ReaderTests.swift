import Datasets
import Evaluation
import SystemPackage
import TestSupport
import Testing

/// Files as people have them, and what is said about those that are wrong.
struct ReaderTests {
  private static let annotations = """
    {"images": [{"id": 7, "file_name": "train/a.jpg", "width": 64, "height": 48},
                {"id": 8, "file_name": "b.jpg"}, {"id": 9, "file_name": "x/b.png"}, {"id": 10, "file_name": "y/b.png"}],
     "categories": [{"id": 3, "name": "cell", "supercategory": "none"}, {"id": 4, "name": "platelet"}],
     "annotations": [
       {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2.5, 3, 4], "area": 11, "iscrowd": 0, "segmentation": [[1, 2]]},
       {"id": 2, "image_id": 7, "category_id": 4, "bbox": [1, 2, 3, 4], "iscrowd": true}]}
    """

  private static func read(_ text: String) throws -> COCOAnnotationsFile {
    try withTemporaryFolder { try COCOAnnotationsFile(contentsOf: $0.write(text, to: "ann.json")) }
  }

  /// The error of `body`, without the folder's name, which is another each time.
  private static func message(_ body: (FilePath) throws -> Void) throws -> String {
    try withTemporaryFolder { folder in
      do {
        try body(folder)
        return "no error"
      } catch let error as DatasetError {
        return error.description.replacing("\(folder)/", with: "")
      }
    }
  }

  @Test func readsAnnotations() throws {
    let file = try Self.read(Self.annotations)
    #expect(
      file.annotations.images[0] == .init(id: 7, fileName: "train/a.jpg", width: 64, height: 48))
    #expect(file.annotations.categories.map(\.name) == ["cell", "platelet"])
    #expect(
      file.annotations.objects == [
        .init(
          id: 1, imageID: 7, categoryID: 3, box: COCOBox(x: 1, y: 2.5, width: 3, height: 4),
          area: 11),
        .init(
          id: 2, imageID: 7, categoryID: 4, box: COCOBox(x: 1, y: 2, width: 3, height: 4), area: 12,
          isCrowd: true),
      ])
    #expect(file.remarks.count == 1)
    #expect(file.remarks[0].contains("1 annotations have no \"area\" (first: id 2)"))
  }

  @Test(arguments: [
    ("{", "is not valid JSON: line 1, column 2: there should be a string"),
    (
      #"{"images": [], "categories": [], "annotations": [{"id": NaN}]}"#,
      "is not valid JSON: line 1, column 57: there should be a value"
    ),
    ("[]", #"must be an object with "images", "categories" and "annotations""#),
    (
      #"{"images": [{"id": 1, "file_name": "\ud800"}]}"#,
      "is not valid JSON: line 1, column 37: an escape in a string stands for no character"
    ),
    (#"{"images": [{"id": 1e30}]}"#, #"images[0]: "id" must be a whole number"#),
    (
      #"{"images": [{"id": 1, "width": 9223372036854775808}]}"#,
      #"images[0] (id 1): "width" must be a whole number"#
    ),
    (#"{"images": [], "annotations": []}"#, #"has no "categories""#),
    (#"{"images": {}, "categories": [], "annotations": []}"#, #""images" must be a list"#),
    (
      #"{"images": [{"file_name": "a"}], "categories": [], "annotations": []}"#,
      #"images[0]: has no "id""#
    ),
    (
      #"{"images": [{"id": "a"}], "categories": [], "annotations": []}"#,
      #"images[0]: "id" must be a whole number"#
    ),
    (
      #"{"images": [], "categories": [{"id": 1, "name": 5}], "annotations": []}"#,
      #"categories[0] (id 1): "name" must be text"#
    ),
    (annotation(#"5"#), "annotations[1]: must be an object"),
    (
      annotation(#"{"id": 12, "category_id": 1, "bbox": [1, 2, 3, 4]}"#),
      #"annotations[1] (id 12): has no "image_id""#
    ),
    (
      annotation(#"{"id": 12, "image_id": 1.5, "category_id": 1, "bbox": [1, 2, 3, 4]}"#),
      #"annotations[1] (id 12): "image_id" must be a whole number"#
    ),
    (
      annotation(#"{"id": 12, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3]}"#),
      #"annotations[1] (id 12): "bbox" has 3 numbers, not four numbers [x, y, width, height]"#
    ),
    (
      annotation(#"{"id": 12, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, null]}"#),
      #"annotations[1] (id 12): "bbox" must be four numbers [x, y, width, height]"#
    ),
    (
      annotation(#"{"id": 12, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 1e999]}"#),
      "is not valid JSON: line 1, column 178: a number is too large"
    ),
    (
      annotation(
        #"{"id": 12, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": "no"}"#),
      #"annotations[1] (id 12): "iscrowd" must be 0 or 1"#
    ),
    (
      annotation(
        #"{"id": 12, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": "big"}"#),
      #"annotations[1] (id 12): "area" must be a number"#
    ),
  ])
  func namesTheAnnotationAtFault(_ text: String, _ expected: String) throws {
    let message = try Self.message { folder in
      _ = try COCOAnnotationsFile(contentsOf: folder.write(text, to: "ann.json"))
    }
    #expect(message == "ann.json: \(expected)")
  }

  /// A file cut anywhere, or with bytes that are others, is read or refused with a line that names it; nothing else.
  @Test func tornAnnotationsAreRefused() throws {
    let whole = Array(Self.annotations.utf8)
    var random = SeededGenerator(seed: 12)
    print("seed 12")
    try withTemporaryFolder { folder in
      func outcome(_ bytes: some Collection<UInt8>) throws -> COCOAnnotationsFile? {
        let path = folder.appending("ann.json")
        try Array(bytes).withUnsafeBytes { bytes in
          let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
          _ = try file.closeAfter { try file.writeAll(bytes) }
        }
        do {
          return try COCOAnnotationsFile(contentsOf: path)
        } catch {
          #expect(error.description.hasPrefix("\(path): ") && !error.description.contains("\n"))
          return nil
        }
      }
      for count in whole.indices { #expect(try outcome(whole[..<count]) == nil) }
      var read = 0
      for _ in 0..<500 {
        var bytes = whole
        for _ in 0..<3 {
          bytes[Int.random(in: bytes.indices, using: &random)] = .random(
            in: 0...255, using: &random)
        }
        if try outcome(bytes) != nil { read += 1 }
      }
      #expect(read < 400)
      #expect(try outcome([0xef, 0xbb, 0xbf] + whole)?.annotations.objects.count == 2)
      // Entered by a reader that recurses without a bound, this would be the end of the process.
      let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
      #expect(try outcome(Array(#"{"licenses":"#.utf8) + deep) == nil)
    }
  }

  private static func annotation(_ second: String) -> String {
    #"{"images": [], "categories": [], "annotations": "#
      + #"[{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}, \#(second)]}"#
  }

  @Test func remarksOnWhatDoesNotCount() throws {
    let file = try Self.read(
      #"""
      {"images": [{"id": 1}, {"id": 1}], "categories": [{"id": 1}, {"id": 1}], "annotations": [
        {"id": 0, "image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 1},
        {"id": 5, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4], "area": 1},
        {"id": 5, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4], "area": 1}]}
      """#)
    #expect(
      file.remarks.map { String($0.drop { $0 != ":" }.dropFirst(2)) } == [
        "image id 1 is used more than once: the last one counts",
        "category id 1 is used more than once: the last one counts",
        "annotation id 5 is used more than once: the last one counts",
        "1 annotations are of images that are not listed (first: id 0, image 2): they do not count",
        "2 annotations are of categories that are not listed (first: id 5, category 9): they do not count",
        "an annotation has the id 0: detections that find it count as wrong, as in pycocotools",
      ])
  }

  @Test(arguments: [
    (
      #"{"annotations": []}"#,
      #"must be a list of detections with "image_id", "category_id", "bbox", "score""#
    ),
    (#"[{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]}]"#, #"[0]: has no "score""#),
    (
      #"[{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1}, {"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1}]"#,
      "[1]: image_id 5 is not an image of the annotations: are these results of another data set?"
    ),
  ])
  func namesTheResultAtFault(_ text: String, _ expected: String) throws {
    let annotations = try Self.read(Self.annotations).annotations
    let message = try Self.message { folder in
      _ = try COCOResultsFile(contentsOf: folder.write(text, to: "results.json"), for: annotations)
    }
    #expect(message == "results.json: \(expected)")
  }

  @Test func readsRecords() throws {
    let annotations = try Self.read(Self.annotations).annotations
    try withTemporaryFolder { folder in
      _ = try folder.write(
        Self.record(
          "train/a.jpg",
          #"[{"label":"cell","score":0.9312,"box":[412.50,220.10,96.00,94.80]},{"label":"dog","score":0.0501,"box":[1,2,3,4]}]"#
        ), to: "out/train/a.jpg.jsonl")
      _ = try folder.write(
        Self.record("elsewhere/b.jpg", #"[{"label":"platelet","score":0.0500,"box":[1,2,3,4]}]"#),
        to: "out/elsewhere/b.jpg.jsonl")
      _ = try folder.write(
        #"{"source":"x/b.png","detections":null,"failure":"cut short"}"# + "\n",
        to: "out/x/b.png.jsonl")
      _ = try folder.write("not a record", to: "out/.detect-batch/manifest.jsonl")
      let records = try DetectionRecordFiles(
        contentsOf: [folder.appending("out")], for: annotations)
      #expect(
        records.detections == [
          .init(
            imageID: 8, categoryID: 4, score: 0.05, box: COCOBox(x: 1, y: 2, width: 3, height: 4)),
          .init(
            imageID: 7, categoryID: 3, score: 0.9312,
            box: COCOBox(x: 412.5, y: 220.1, width: 96, height: 94.8)),
        ])
      #expect(
        records.remarks == [
          #"1 detections have labels that are no categories of the annotations ("dog"): they do not count"#,
          #"1 images could not be detected in ("x/b.png"): their objects count as missed"#,
          "1 images are not as large as the annotations say (first: train/a.jpg): were they annotated before they were turned or scaled?",
          #"1 of 4 images have no record (first: "y/b.png"): their objects count as missed"#,
        ])
    }
  }

  private static let torn =
    #"{"source":"b.jpg","frame":0,"time":null,"width":64,"height":48,"corrupt":true,"detections":\#(good)}"#
    + "\n"
  private static let failure =
    #"{"source":"b.jpg","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"torn"}"#
    + "\n"

  private static let threeRecords: String = torn + failure + failure
  private static let twoFailures: String = failure + failure
  private static let tornRecords: [String] = [torn + failure, failure + torn, torn]

  /// A torn picture's two records, and the one of a picture that is damaged somewhere.
  @Test(arguments: tornRecords) func countsTornPictures(_ text: String) throws {
    let annotations = try Self.read(Self.annotations).annotations
    try withTemporaryFolder { folder in
      let records = try DetectionRecordFiles(
        contentsOf: [folder.write(text, to: "r.jsonl")], for: annotations)
      #expect(records.detections.map(\.imageID) == [8])
      #expect(
        records.remarks == [
          "1 images are damaged or cut short (first: b.jpg): what is found in the part that can be decoded counts",
          #"3 of 4 images have no record (first: "train/a.jpg"): their objects count as missed"#,
        ])
    }
  }

  @Test func tornPicturesInTwoFilesAreTwoRecords() throws {
    let annotations = try Self.read(Self.annotations).annotations
    let message = try Self.message { folder in
      _ = try DetectionRecordFiles(
        contentsOf: [
          folder.write(Self.torn, to: "a.jsonl"), folder.write(Self.failure, to: "b.jsonl"),
        ], for: annotations)
    }
    #expect(
      message
        == #"b.jsonl: line 1: source "b.jpg" belongs to image 8, which has a record already (a.jsonl line 1): an evaluation takes one record per image"#
    )
  }

  /// Some tools write 0x0 for "do not know".
  @Test func sizesThatSayNothingAreNoOthers() {
    let image = COCOAnnotations.Image(id: 1, fileName: "a", width: 0, height: 0)
    #expect(!image.isOfOtherSize(width: 5, height: 6))
    #expect(!COCOAnnotations.Image(id: 1, fileName: "a").isOfOtherSize(width: 5, height: 6))
    let turned = COCOAnnotations.Image(id: 1, fileName: "a", width: 6, height: 5)
    #expect(turned.isOfOtherSize(width: 5, height: 6))
  }

  @Test func warnsOfRecordsThatWereCut() throws {
    let annotations = try Self.read(Self.annotations).annotations
    try withTemporaryFolder { folder in
      let file = try folder.write(
        Self.record("b.jpg", #"[{"label":"cell","score":0.3,"box":[1,2,3,4]}]"#), to: "a.jsonl")
      let records = try DetectionRecordFiles(contentsOf: [file], for: annotations)
      #expect(
        records.remarks.last?.hasPrefix("the lowest score is 0.3: these detections look cut there")
          == true)
    }
  }

  private static let good = #"[{"label":"cell","score":0.05,"box":[1,2,3,4]}]"#

  @Test(arguments: [
    (
      record("c.jpg", good),
      #"r.jsonl: line 1: no image of the annotations has the file_name or base name of source "c.jpg""#
    ),
    (
      record("z/b.png", good),
      #"r.jsonl: line 1: source "z/b.png" is no file_name of the annotations, and its base name is that of "x/b.png (image 9)", "y/b.png (image 10)""#
    ),
    (
      record("b.jpg", good) + record("q/b.jpg", good),
      #"r.jsonl: line 2: source "q/b.jpg" belongs to image 8, which has a record already (r.jsonl line 1): an evaluation takes one record per image"#
    ),
    (
      threeRecords,
      #"r.jsonl: line 3: source "b.jpg" belongs to image 8, which has a record already (r.jsonl line 2): an evaluation takes one record per image"#
    ),
    (
      twoFailures,
      #"r.jsonl: line 2: source "b.jpg" belongs to image 8, which has a record already (r.jsonl line 1): an evaluation takes one record per image"#
    ),
    (
      record("b.jpg", #"[{"label":"Cell","score":0.05,"box":[1,2,3,4]}]"#),
      #"no label of the records is a category of the annotations: the records say "Cell", the annotations "cell", "platelet""#
    ),
    (
      record("b.jpg", #"[{"label":"cell","score":0.05}]"#),
      #"r.jsonl: line 1, column 109: a detection must have "label", "score" and "box""#
    ),
    (
      record("b.jpg", good) + #"{"source":"a.jpg","dete"#,
      "r.jsonl: line 2, column 24: a string does not end"
    ),
    (
      #"{"source":"a.jpg"}"#,
      #"r.jsonl: line 1, column 19: there are no "detections": this is no record"#
    ),
  ])
  func namesTheRecordAtFault(_ text: String, _ expected: String) throws {
    let annotations = try Self.read(Self.annotations).annotations
    let message = try Self.message { folder in
      _ = try DetectionRecordFiles(
        contentsOf: [folder.write(text, to: "r.jsonl")], for: annotations)
    }
    #expect(message == expected)
  }

  @Test func namesMissingFiles() throws {
    let annotations = try Self.read(Self.annotations).annotations
    #expect(
      try Self.message { _ = try COCOAnnotationsFile(contentsOf: $0.appending("no.json")) }
        == "no.json: does not exist")
    #expect(
      try Self.message {
        _ = try DetectionRecordFiles(contentsOf: [$0.appending("no")], for: annotations)
      }
        == "no: does not exist")
    #expect(
      try Self.message { folder in
        _ = try folder.write("", to: "out/a.txt")
        _ = try DetectionRecordFiles(contentsOf: [folder.appending("out")], for: annotations)
      } == "out: no .jsonl files below this folder: name the output folder of a run")
    #expect(
      try Self.message { _ = try COCOAnnotationsFile(contentsOf: $0) }.hasSuffix(
        "cannot be read: Is a directory"))
  }

  private static func record(_ source: String, _ detections: String) -> String {
    #"{"source":"\#(source)","frame":0,"time":null,"width":640,"height":480,"detections":\#(detections)}"#
      + "\n"
  }
}
