import Datasets
import DetectionRecords
import Foundation
import FoundationXML
import SystemPackage
import TestSupport
import Testing

@testable import Results

@Suite struct ExportFormatTests {
  private let fixture: ExportFixture

  init() throws { fixture = try ExportFixture() }

  @Test func csvHasARowForEachDetectionEmptyFrameAndFailure() throws {
    #expect(
      try fixture.text(.csv) == """
        source,frame,time,width,height,label,score,x,y,box_width,box_height,corrupt,failure
        "a, ""b"" & <c>.jpg",0,,200,100,"cat, big",0.9000,20.00,10.00,100.00,50.00,,
        "a, ""b"" & <c>.jpg",0,,200,100,dog,0.2500,0.00,0.00,200.00,100.00,,
        empty.jpg,0,,10,20,,,,,,,true,
        v/clip.mp4,0,0.000000,320,240,dog,0.5000,32.00,24.00,64.00,48.00,,
        v/clip.mp4,5,0.500000,320,240,dog,0.7000,32.00,24.00,64.00,48.00,,
        v/clip.mp4,5,0.500000,320,240,"cat, big",0.6000,0.00,0.00,16.00,24.00,,
        v/clip.mp4,10,1.000000,320,240,"cat, big",0.4000,0.00,0.00,16.00,24.00,,
        v/clip.mp4,,,,,,,,,,,,"torn, at the end"
        z.mp4,,,,,,,,,,,,no video

        """)
  }

  @Test func thresholdAndClassesAreTaken() throws {
    var request = try fixture.request(.csv)
    request.scoreThreshold = 0.5
    request.classes = ["dog"]
    let rows = try fixture.text(request).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    // Frames stay, as ones in which nothing was found.
    #expect(rows.count { $0.contains("dog") } == 2)
    #expect(rows.count == 1 + 7)
    request = try fixture.request(.cocoDataset)
    request.classes = ["dog", "cat, big", "bird"]
    let categories = try ExportFixture.json(fixture.text(request))["categories"] as? [[String: Any]]
    #expect(categories?.map { $0["name"] as? String } == ["dog", "cat, big", "bird"])
  }

  @Test func megaDetectorTellsVideosAndFailures() throws {
    var request = try fixture.request(.megadetector)
    request.summaryReport = "report/index.html"
    let results = try ExportFixture.json(fixture.text(request))
    let images = try #require(results["images"] as? [[String: Any]])
    #expect(
      images.map { $0["file"] as? String } == [
        "a, \"b\" & <c>.jpg", "empty.jpg", "v/clip.mp4", "z.mp4",
      ])
    let first = try #require(images[0]["detections"] as? [[String: Any]])
    #expect(first[0]["bbox"] as? [Double] == [0.1, 0.1, 0.5, 0.5])
    #expect(first[0]["category"] as? String == "1" && first[0]["conf"] as? Double == 0.9)
    #expect((images[1]["detections"] as? [Any])?.isEmpty == true)
    #expect(images[2]["frame_rate"] as? Double == 10)
    #expect(images[2]["frames_processed"] as? [Int] == [0, 5, 10])
    #expect(images[2]["incomplete"] as? String == "torn, at the end")
    let found = try #require(images[2]["detections"] as? [[String: Any]])
    #expect(found.map { $0["frame_number"] as? Int } == [0, 5, 5, 10])
    #expect(images[3]["detections"] is NSNull && images[3]["failure"] as? String == "no video")
    #expect(results["detection_categories"] as? [String: String] == ["1": "cat, big", "2": "dog"])
    #expect(
      results["info"] as? [String: String] == [
        "format_version": "1.6", "detector": "detect-batch", "summary_report": "report/index.html",
      ])
  }

  @Test func cocoNumbersAreThoseOfItsDataset() throws {
    let dataset = try ExportFixture.json(fixture.text(.cocoDataset))
    let images = try #require(dataset["images"] as? [[String: Any]])
    #expect(
      images.map { $0["file_name"] as? String } == [
        "a, \"b\" & <c>.jpg", "empty.jpg", "v/clip.mp4/frame000000.jpg",
        "v/clip.mp4/frame000005.jpg",
        "v/clip.mp4/frame000010.jpg",
      ])
    #expect(images.map { $0["id"] as? Int } == [1, 2, 3, 4, 5])
    #expect(images[3]["video"] as? String == "v/clip.mp4" && images[3]["time"] as? Double == 0.5)
    let annotations = try #require(dataset["annotations"] as? [[String: Any]])
    let results = try #require(
      JSONSerialization.jsonObject(with: Data(fixture.text(.coco).utf8)) as? [[String: Any]])
    #expect(annotations.count == 6 && results.count == 6)
    for (annotation, result) in zip(annotations, results) {
      for key in ["image_id", "category_id"] {
        #expect(annotation[key] as? Int == result[key] as? Int)
      }
      #expect(annotation["bbox"] as? [Double] == result["bbox"] as? [Double])
    }
    #expect(results.map { $0["image_id"] as? Int } == [1, 1, 3, 4, 4, 5])
    #expect(results.map { $0["category_id"] as? Int } == [1, 2, 2, 2, 1, 1])
  }

  @Test func cocoTakesTheIdsOfAnnotations() throws {
    try fixture.write(
      #"{"images":[{"id":70,"file_name":"x/a, \"b\" & <c>.jpg","width":200,"height":100},{"id":71,"file_name":"empty.jpg","width":10,"height":20}],"annotations":[],"categories":[{"id":8,"name":"dog"},{"id":9,"name":"cat, big"}]}"#,
      to: "annotations.json")
    try fixture.write(
      ExportFixture.lines[..<2].map { $0 + "\n" }.joined(), to: "records.jsonl")
    var request = try fixture.request(.coco)
    request.ids = COCOIdentifiers(
      try COCOAnnotationsFile(contentsOf: fixture.path("annotations.json")).annotations)
    let results = try #require(
      JSONSerialization.jsonObject(with: Data(fixture.text(request).utf8)) as? [[String: Any]])
    #expect(results.map { $0["image_id"] as? Int } == [70, 70])
    #expect(results.map { $0["category_id"] as? Int } == [9, 8])
    try fixture.write(ExportFixture.lines[2] + "\n", to: "records.jsonl")
    let error = #expect(throws: COCOIdentifierError.self) { try fixture.text(request) }
    #expect(
      error?.description
        == "no image of the annotations has the file_name of v/clip.mp4/frame000000.jpg, nor has one alone its base name"
    )
  }

  /// Of pictures the base name does, if only one has it; of frames, whose base names all videos have, never.
  @Test func aCOCOIdentifierIsOneRecords() throws {
    func line(_ source: String, _ frame: Int = 0) -> String {
      let time = source.hasSuffix("mp4") ? "\(frame).5" : "null"
      return
        #"{"source":"\#(source)","frame":\#(frame),"time":\#(time),"width":9,"height":9,"detections":[]}"#
    }
    try fixture.write(
      #"{"images":[{"id":70,"file_name":"cam1/1.jpg","width":9,"height":9},{"id":71,"file_name":"a.mp4/frame000003.jpg","width":9,"height":9}],"annotations":[],"categories":[]}"#,
      to: "annotations.json")
    func message(_ lines: [String]) throws -> String {
      try fixture.write(lines.joined(separator: "\n"), to: "records.jsonl")
      var request = try fixture.request(.coco)
      request.ids = COCOIdentifiers(
        try COCOAnnotationsFile(contentsOf: fixture.path("annotations.json")).annotations)
      do {
        return try fixture.text(request)
      } catch let error as COCOIdentifierError {
        return error.description
      }
    }
    #expect(try message([line("other/1.jpg"), line("a.mp4", 3)]) == "[\n]\n")
    #expect(
      try message([line("cam1/1.jpg"), line("cam2/1.jpg")])
        == "cam2/1.jpg belongs to an image of the annotations that had a record already: export them apart"
    )
    #expect(try message([line("b.mp4", 3)]).hasPrefix("no image of the annotations has"))
  }

  @Test func yoloIsATreeOfLabels() throws {
    let summary = try ExportRun.run(
      fixture.request(.yolo), to: .path(fixture.path("tree"), replacing: false))
    #expect(summary.untold == 2 && summary.failures == 2)
    #expect(
      try fixture.names(below: "tree").filter { $0.hasSuffix("t") || $0.hasSuffix("l") } == [
        "data.yaml", "labels/a, \"b\" & <c>.txt", "labels/empty.txt",
        "labels/v/clip.mp4/frame000000.txt", "labels/v/clip.mp4/frame000005.txt",
        "labels/v/clip.mp4/frame000010.txt",
      ])
    #expect(
      try fixture.read("tree/labels/a, \"b\" & <c>.txt")
        == "0 0.350000 0.350000 0.500000 0.500000\n1 0.500000 0.500000 1.000000 1.000000\n")
    #expect(try fixture.read("tree/labels/empty.txt") == "")
    #expect(
      try fixture.read("tree/data.yaml").hasSuffix(
        "train: images\nval: images\nnames:\n  0: \"cat, big\"\n  1: \"dog\"\n"))
  }

  @Test func cvatIsWellFormedAndNamesItsLabelsFirst() throws {
    let text = try fixture.text(.cvat)
    let seen = try XMLSeen(text)
    #expect(
      seen.names["image"]?.map { $0["name"] } == [
        "a, \"b\" & <c>.jpg", "empty.jpg", "v/clip.mp4/frame000000.jpg",
        "v/clip.mp4/frame000005.jpg", "v/clip.mp4/frame000010.jpg",
      ])
    #expect(seen.names["box"]?.count == 6)
    #expect(
      seen.names["box"]?[0] == [
        "label": "cat, big", "source": "auto", "occluded": "0", "xtl": "20.00", "ytl": "10.00",
        "xbr": "120.00", "ybr": "60.00", "z_order": "0",
      ])
    let labels = try #require(text.range(of: "<labels>"))
    let image = try #require(text.range(of: "<image "))
    #expect(labels.lowerBound < image.lowerBound)

    _ = try ExportRun.run(
      fixture.request(.cvatVideo), to: .path(fixture.path("xml"), replacing: false))
    #expect(try fixture.names(below: "xml") == ["v", "v/clip.mp4.xml"])
    let video = try XMLSeen(fixture.read("xml/v/clip.mp4.xml"))
    #expect(video.names["track"]?.map { $0["label"] } == ["dog", "dog", "cat, big", "cat, big"])
    #expect(video.names["box"]?.map { $0["frame"] } == ["0", "1", "5", "6", "5", "6", "10"])
  }

  @Test func labelStudioCountsInPercent() throws {
    var request = try fixture.request(.labelStudio)
    request.imagePrefix = "/data/?d="
    let tasks = try #require(
      JSONSerialization.jsonObject(with: Data(fixture.text(request).utf8)) as? [[String: Any]])
    #expect(tasks.count == 5)
    #expect(
      (tasks[0]["data"] as? [String: String])?["image"]
        == "/data/?d=a%2C%20%22b%22%20%26%20%3Cc%3E.jpg")
    #expect(
      (tasks[2]["data"] as? [String: String])?["image"] == "/data/?d=v/clip.mp4/frame000000.jpg")
    // Stores of objects take names as they are.
    request.imagePrefix = "s3://a b/"
    #expect(try fixture.text(request).contains(#""s3://a b/a, \"b\" & <c>.jpg""#))
    let prediction = try #require((tasks[0]["predictions"] as? [[String: Any]])?.first)
    let result = try #require((prediction["result"] as? [[String: Any]])?.first)
    let value = try #require(result["value"] as? [String: Any])
    #expect(["x", "y", "width", "height"].map { value[$0] as? Double } == [10, 10, 50, 50])
    #expect(value["rectanglelabels"] as? [String] == ["cat, big"])
  }

  @Test func webVTTHasACueForEachStretchWithALabel() throws {
    _ = try ExportRun.run(
      fixture.request(.webvtt), to: .path(fixture.path("vtt"), replacing: false))
    #expect(try fixture.names(below: "vtt") == ["v", "v/clip.mp4.vtt", "z.mp4.vtt"])
    #expect(
      try fixture.read("vtt/v/clip.mp4.vtt") == """
        WEBVTT

        00:00:00.000 --> 00:00:01.000
        dog 70%

        NOTE not looked at: torn, at the end

        00:00:00.500 --> 00:00:01.500
        cat, big 60%

        """)
    #expect(try fixture.read("vtt/z.mp4.vtt") == "WEBVTT\n\nNOTE not looked at: no video\n")
  }

  /// A label that is always there holds all others back, whose cues begin later: until ten thousand wait.
  @Test func webVTTCutsACueThatManyWaitFor() throws {
    let lines = (0...120).map { frame in
      let labels = ["always"] + (0..<100).map { "\(frame % 2)-\($0)" }
      let found = labels.map { #"{"label":"\#($0)","score":0.5,"box":[1,1,2,2]}"# }
      return
        #"{"source":"v.mp4","frame":\#(frame),"time":\#(frame),"width":9,"height":9,"detections":[\#(found.joined(separator: ","))]}"#
    }
    try fixture.write(lines.joined(separator: "\n"), to: "records.jsonl")
    _ = try ExportRun.run(
      fixture.request(.webvtt), to: .path(fixture.path("vtt"), replacing: false))
    let cues = try fixture.read("vtt/v.mp4.vtt").components(separatedBy: "\n\n").dropFirst()
    let starts = cues.map { $0.prefix(12) }
    #expect(starts == starts.sorted() && cues.count == 121 * 100 + 2)
    #expect(
      cues.filter { $0.contains("always") }.map { String($0.prefix(29)) } == [
        "00:00:00.000 --> 00:01:42.000", "00:01:42.000 --> 00:02:01.000",
      ])
  }
}

/// The elements of a text by name, with their attributes.
private final class XMLSeen: NSObject, XMLParserDelegate {
  private(set) var names: [String: [[String: String]]] = [:]

  init(_ text: String) throws {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    names[name, default: []].append(attributes)
  }
}
