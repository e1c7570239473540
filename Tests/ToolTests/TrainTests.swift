import Foundation
import Glibc
import TestSupport
import Testing

/// `detect-batch train` on pictures of squares.
struct TrainTests {
  private static let small = [
    "--base-width", "16", "--pyramid-channels", "16", "--head-depth", "1", "--anchor-sizes",
    "12,16", "--anchor-ratios", "1", "--sizes", "64", "--batch-size", "4", "--optimizer", "adamw",
    "--learning-rate", "0.002",
  ]

  /// Six pictures in COCO's form, as `squares.json` and `pictures/`.
  private func makeSquares(_ workspace: Workspace) throws {
    var generator = SeededGenerator(seed: 5)
    var images: [String] = []
    var annotations: [String] = []
    for index in 0..<6 {
      var pixels = (0..<64 * 64 * 3).map { _ in UInt8(100 + generator.below(50)) }
      let (x, y, side) = (generator.below(36), generator.below(36), 14 + generator.below(14))
      for row in y..<y + side {
        for column in x..<x + side {
          for channel in 0..<3 {
            pixels[(row * 64 + column) * 3 + channel] = index % 2 == 0 ? 250 : 5
          }
        }
      }
      try workspace.write("pictures/\(index).ppm", Array("P6 64 64 255\n".utf8) + pixels)
      images.append(#"{"id":\#(index),"file_name":"\#(index).ppm","width":64,"height":64}"#)
      annotations.append(
        """
        {"id":\(index + 1),"image_id":\(index),"category_id":\(index % 2),"iscrowd":0,\
        "bbox":[\(x),\(y),\(side),\(side)],"area":\(side * side)}
        """)
    }
    try workspace.write(
      "squares.json",
      """
      {"images":[\(images.joined(separator: ","))],\
      "categories":[{"id":0,"name":"light"},{"id":1,"name":"dark"}],\
      "annotations":[\(annotations.joined(separator: ","))]}
      """)
  }

  private func train(_ arguments: [String], in workspace: Workspace) throws -> ToolOutcome {
    try Tool.run(["train"] + arguments, in: workspace)
  }

  @Test func aModelIsTrainedAndUsed() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    try workspace.write("small.yaml", "batch-size: 2\nflip: 0\nepochs: 9\n")
    let outcome = try train(
      [
        "squares.json", "--images", "pictures", "--validation", "squares.json", "-o", "run",
        "--epochs", "2", "--pipeline", "small.yaml",
      ] + Self.small, in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    // What was typed wins over the file: three batches of four in two epochs of six.
    #expect(outcome.messages.contains("3 steps of 4 pictures"))
    #expect(
      outcome.messages.contains("on 6 pictures: light 3, dark 3"), "\(outcome.messages)")
    #expect(outcome.messageLines.last == "detect-batch: done: run/model.safetensors")
    for file in [
      "model.safetensors", "last.safetensors", "metrics.jsonl", "curves.svg", "predictions.svg",
      "resume/state.safetensors",
    ] { #expect(workspace.exists("run/\(file)"), "\(file)") }
    let lines = String(decoding: try workspace.read("run/metrics.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.filter { $0.contains("\"loss\":") }.count == 3)
    #expect(lines.filter { $0.contains("\"AP50\":") }.count >= 2)

    let inspected = try Tool.run(["inspect", "run/model.safetensors", "--json"], in: workspace)
    #expect(inspected.text.contains("light") && inspected.text.contains("dark"))
    let detected = try Tool.run(
      ["pictures", "--model", "run/model.safetensors", "--score-threshold", "0", "-o", "-"],
      in: workspace)
    #expect(detected.status == 0, "\(detected.messages)")
    let records = try StrictRecord.all(detected.output)
    #expect(records.count == 6 && records.allSatisfy { !($0.detections ?? []).isEmpty })

    // The same again, and the same from the model to another one.
    let again = try train(
      ["squares.json", "--images", "pictures", "-o", "run", "--epochs", "2"] + Self.small,
      in: workspace)
    #expect(again.status == 64)
    #expect(
      again.messageLines.last
        == "detect-batch: error: run: holds a training already: resume it, or name another folder")
    let more = try train(
      [
        "squares.json", "--images", "pictures", "-o", "more", "--epochs", "1", "--start",
        "run/model.safetensors", "--classes", "dark",
      ], in: workspace)
    #expect(more.status == 0, "\(more.messages)")
    #expect(
      more.messages.contains(
        "starting from random weights: head.classification_head.cls_logits.weight"))
    #expect(more.messages.contains("not trained on: light"))
  }

  @Test func anInterruptedTrainingGoesOn() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    let arguments =
      [
        "train", "squares.json", "--images", "pictures", "--epochs", "8", "--save-every", "100",
        "--evaluate-every", "100",
      ] + Self.small
    let whole = try Tool.run(arguments + ["-o", "whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")

    let process = try Tool.start(
      Tool.program, arguments + ["-o", "parts", "--verbose"], in: workspace)
    // In the middle, once it has begun.
    let limit = ContinuousClock.now + .seconds(60)
    while try !process.messages().contains("step 1/12"), ContinuousClock.now < limit {
      usleep(2000)
    }
    process.send(SIGINT)
    let stopped = try process.wait()
    #expect(stopped.status == 130, "\(stopped.messages)")
    #expect(stopped.messages.contains("go on with: detect-batch train --resume"))
    #expect(!stopped.messages.contains("step 12/12"))
    let resumed = try Tool.run(["train", "--resume", "parts", "--workers", "1"], in: workspace)
    #expect(resumed.status == 0, "\(resumed.messages)")
    #expect(resumed.messages.contains("going on after iteration"))
    #expect(
      try workspace.read("whole/model.safetensors") == workspace.read("parts/model.safetensors"))
    // It is finished: nothing is left to do.
    let done = try Tool.run(["train", "--resume", "parts"], in: workspace)
    #expect(done.status == 0)
    #expect(
      try workspace.read("whole/model.safetensors") == workspace.read("parts/model.safetensors"))
  }

  /// Two trainings of one folder would write over each other; and one that is killed, wherever, leaves what it
  /// takes to end as it would have.
  @Test func aKilledTrainingGoesOnAndOneAtATimeIsEnough() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    let arguments =
      [
        "train", "squares.json", "--images", "pictures", "--validation", "squares.json",
        "--epochs", "8", "--save-every", "1", "--evaluate-every", "4", "--average-decay", "0.9",
      ] + Self.small
    let whole = try Tool.run(arguments + ["-o", "whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")

    let seed = UInt64.random(in: 0..<1_000_000)
    var generator = SeededGenerator(seed: seed)
    var process = try Tool.start(
      Tool.program, arguments + ["-o", "parts", "--verbose"], in: workspace)
    let limit = ContinuousClock.now + .seconds(60)
    while try !process.messages().contains(": saved"), ContinuousClock.now < limit { usleep(2000) }
    // It is not to end while others are refused.
    process.send(SIGSTOP)
    for second in [["--resume", "parts"], Array(arguments.dropFirst()) + ["-o", "parts"]] {
      let outcome = try train(second, in: workspace)
      #expect(outcome.status == 75, "\(outcome.messages)")
      #expect(
        outcome.messages.contains("parts is in use by process \(process.id) on "),
        "\(outcome.messages)")
    }
    process.send(SIGCONT)
    for _ in 0..<3 {
      usleep(UInt32(generator.below(2_000_000)))
      process.send(SIGKILL)
      _ = try process.wait()
      process = try Tool.start(Tool.program, ["train", "--resume", "parts"], in: workspace)
    }
    let end = try process.wait()
    #expect(end.status == 0, "seed \(seed): \(end.messages)")
    for file in ["model.safetensors", "last.safetensors", "resume/state.safetensors"] {
      #expect(
        try workspace.read("whole/\(file)") == workspace.read("parts/\(file)"),
        "seed \(seed): \(file)")
    }
  }

  /// A training that goes on does not need what it started from, and takes no other options.
  @Test func resumingNeedsTheFolderAlone() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    let first = try train(
      ["squares.json", "--images", "pictures", "-o", "first", "--epochs", "1"] + Self.small,
      in: workspace)
    #expect(first.status == 0, "\(first.messages)")
    let arguments = [
      "squares.json", "--images", "pictures", "--start", "start.safetensors", "--batch-size", "2",
      "--epochs", "2", "--sizes", "64", "--save-every", "0.4",
    ]
    try workspace.write("start.safetensors", workspace.read("first/model.safetensors"))
    let whole = try train(arguments + ["-o", "whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")
    let process = try Tool.start(
      Tool.program, ["train"] + arguments + ["-o", "parts", "--verbose"], in: workspace)
    let limit = ContinuousClock.now + .seconds(60)
    while try !process.messages().contains(": saved"), ContinuousClock.now < limit { usleep(2000) }
    process.send(SIGKILL)
    _ = try process.wait()
    try FileManager.default.removeItem(atPath: workspace.file("start.safetensors").string)

    for (typed, names) in [
      (["--learning-rate", "0.1"], "--learning-rate"), (["--clip-norm", "1"], "--clip-norm"),
      (
        ["--quarter-turns", "--classes", "dark", "--seed", "3"],
        "--classes, --quarter-turns, --seed"
      ),
      (["--start", "first/model.safetensors"], "--start"),
    ] {
      let refused = try train(["--resume", "parts"] + typed, in: workspace)
      #expect(refused.status == 64)
      #expect(
        refused.messageLines.last?.hasPrefix(
          "detect-batch: error: --resume goes on with the options that its training was begun with, so \(names) "
            + "cannot be given: --restart-from begins a new training from its state, with other options"
        )
          == true, "\(refused.messages)")
    }
    let resumed = try train(
      ["--resume", "parts", "--workers", "1", "--decoders", "1", "--verbose"], in: workspace)
    #expect(resumed.status == 0, "\(resumed.messages)")
    #expect(resumed.messages.contains("going on after iteration"))
    for file in ["model.safetensors", "resume/state.safetensors"] {
      #expect(try workspace.read("whole/\(file)") == workspace.read("parts/\(file)"), "\(file)")
    }
  }

  /// A training that went wrong is begun anew from its last state, from anywhere, and can be resumed in its turn.
  @Test func aTrainingIsRestartedWithOtherOptions() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    try workspace.write("slow.yaml", "epochs: 4\nlearning-rate: 0.001\nwarm-up: 0\n")
    let first = try train(
      [
        "squares.json", "--images", "pictures", "-o", "run", "--pipeline", "slow.yaml",
        "--optimizer", "sgd",
      ] + Self.small.dropLast(4), in: workspace)
    #expect(first.status == 0, "\(first.messages)")
    try workspace.write("elsewhere/x", "")
    let script = "cd elsewhere && exec \"$0\" \"$@\""
    func elsewhere(_ arguments: [any Argument]) throws -> ToolOutcome {
      try Tool.run("/bin/bash", ["-c", script, Tool.program, "train"] + arguments, in: workspace)
    }
    let outcome = try elsewhere(
      ["--restart-from", "../run", "-o", "new", "--learning-rate", "0.004", "--epochs", "2"])
    #expect(outcome.status == 0, "\(outcome.messages)")
    // Data and what was not said are as there: six pictures in batches of four, two epochs.
    #expect(outcome.messages.contains("3 steps of 4 pictures"), "\(outcome.messages)")
    #expect(outcome.messages.contains("../run/resume/state.safetensors: "), "\(outcome.messages)")
    #expect(!outcome.messages.contains("random weights"))
    let metrics = String(
      decoding: try workspace.read("elsewhere/new/metrics.jsonl"), as: UTF8.self)
    #expect(metrics.contains("\"learningRate\":0.004,"), "\(metrics)")
    // Its state goes on without the first training's folder.
    try FileManager.default.moveItem(
      atPath: workspace.file("run").string, toPath: workspace.file("moved").string)
    let resumed = try train(["--resume", "elsewhere/new"], in: workspace)
    #expect(resumed.status == 0, "\(resumed.messages)")
    #expect(resumed.messages.contains("going on after iteration 3"))

    // The state alone says what network it is of, and not on what it was trained.
    try workspace.write("alone.safetensors", workspace.read("moved/resume/state.safetensors"))
    let nameless = try train(["--restart-from", "alone.safetensors", "-o", "third"], in: workspace)
    #expect(nameless.status == 64)
    #expect(
      nameless.messageLines.last
        == "detect-batch: error: alone.safetensors: nothing beside it says what it was trained on: name <data>"
    )
    let named = try train(
      [
        "squares.json", "--images", "pictures", "--restart-from", "alone.safetensors", "-o",
        "third",
        "--epochs", "1", "--sizes", "64", "--classes", "dark",
      ], in: workspace)
    #expect(named.status == 0, "\(named.messages)")
    #expect(
      named.messages.contains(
        "starting from random weights: head.classification_head.cls_logits.weight"),
      "\(named.messages)")
    let both = try train(
      ["--restart-from", "moved", "--start", "x", "-o", "fourth"], in: workspace)
    #expect(both.status == 64 && both.messages.contains("neither --resume nor --start go with it"))
  }

  @Test func divergenceSaysWhatToDo() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    let options =
      Array(Self.small.dropLast(4)) + [
        "--optimizer", "sgd", "--warm-up", "1000", "--seed", "3", "--save-every", "0.5",
      ]
    // The warm-up begins with a thousandth of the rate: every step is much too long.
    let diverged = try train(
      [
        "squares.json", "--images", "pictures", "-o", "run", "--epochs", "9", "--learning-rate",
        "1e9",
      ] + options, in: workspace)
    #expect(diverged.status == 65, "\(diverged.messages)")
    let last = try #require(diverged.messageLines.last)
    #expect(last.contains(" diverged: not finite at "), "\(last)")
    #expect(last.contains("--learning-rate") && last.contains("--clip-norm"), "\(last)")
  }

  /// What is wrong with single pictures is said, once each, and ends nothing.
  @Test func picturesThatAreNotWholeAreWarnedOf() throws {
    let workspace = try Workspace()
    let jpeg = try Bytes.of(Tool.samples.appending("images/parcel.jpg"))
    try workspace.write("voc/ImageSets/Main/train.txt", "\u{feff}a picture\nwhole  1\n")
    for (name, bytes) in [("a picture", jpeg[..<(jpeg.count / 2)]), ("whole", jpeg[...])] {
      try workspace.write("voc/JPEGImages/\(name).jpg", Array(bytes))
      try workspace.write(
        "voc/Annotations/\(name).xml",
        """
        <annotation><object><name>code</name><bndbox><xmin>599</xmin><ymin>294</ymin>
        <xmax>\(name == "whole" ? 1743 : 743)</xmax><ymax>441</ymax></bndbox></object></annotation>
        """)
    }
    let outcome = try train(
      ["voc", "-o", "run", "--epochs", "3", "--validation", "train"] + Self.small, in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let warnings = outcome.messageLines.filter { $0.contains("warning: ") }.map {
      $0.replacing("detect-batch: warning: voc/JPEGImages/", with: "")
    }
    #expect(
      warnings.sorted() == [
        "a picture.jpg: is damaged or cut short: what could be decoded of it is used",
        "whole.jpg: 1 boxes reach outside the picture: cut",
      ], "\(outcome.messages)")
  }

  @Test func whatIsWrongIsSaid() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    let good = ["squares.json", "--images", "pictures", "-o", "run", "--epochs", "1"] + Self.small
    let cases: [(arguments: [String], status: Int32, message: String)] = [
      (
        ["squares.json"], 64,
        "either --output or --resume is needed (see detect-batch train --help)"
      ),
      (["-o", "run"], 64, "<data> is needed (see detect-batch train --help)"),
      (
        ["--resume", "run", "squares.json"], 64, "--resume takes data and pipeline from its folder"
      ),
      (["gone", "-o", "run"], 66, "gone: there is no such folder or file"),
      (["pictures", "-o", "run"], 65, "pictures/Annotations: cannot be read: "),
      (good + ["--validation", "gone.json"], 66, "gone.json: does not exist"),
      (
        good + ["--classes", "bird"], 65,
        "class 'bird' has no annotations; these labels have: light, dark"
      ),
      (good + ["--split", "train"], 64, "--split goes with Pascal VOC's form or a data.yaml"),
      (good + ["--validation-images", "x"], 64, "--validation-images goes with COCO's form and"),
      (
        good + ["--loss", "cross-entropy", "--gamma", "1"], 64, "--gamma goes with --loss focal or"
      ),
      (good + ["--ohem-batch", "9"], 64, "--ohem-batch goes with --loss ohem"),
      (good + ["--box-beta", "1"], 64, "--box-beta goes with --box-loss smooth-l1"),
      (
        good + ["--optimizer", "adamw", "--momentum", "0.5"], 64, "--momentum goes with --optimizer"
      ),
      (good + ["--schedule", "cosine", "--rate-steps", "1"], 64, "--rate-steps goes with"),
      (good + ["--smallest-crop", "0.5"], 64, "--smallest-crop goes with --crop"),
      (["squares.json", "-o", ""], 64, "it has to be a directory's name"),
      (good + ["--classes", "dark,light,dark"], 64, "--classes: 'dark' is named twice"),
      (
        good + ["--loss", "focal-star", "--gamma", "0"], 64,
        "--gamma: of focal-star it has to be more than 0"
      ),
      (["squares.json", "-o", "run"], 65, "0.ppm: no such picture (6 of 6 pictures"),
      (good + ["--start", "gone"], 65, "there is no model 'gone'"),
      (good + ["--alpha", "2"], 64, "it has to be a number between 0 and 1, or none"),
      (
        good + ["--scale", "2,1"], 64, "it has to be two numbers from 0.01 to 100, the lesser first"
      ),
      (good + ["--images-per-call", "3"], 64, "a batch of 4 images cannot be cut into calls of 3"),
      (good + ["--head-norm", "groupNorm"], 64, "16 channels cannot be normalised in 32 groups"),
      (good + ["--pipeline", "odd.yaml"], 64, "odd.yaml:1: "),
      (["--resume", "nothing"], 66, "nothing: holds no training to resume"),
    ]
    try workspace.write("odd.yaml", "learning-speed: 3\n")
    for (arguments, status, message) in cases {
      let outcome = try train(arguments, in: workspace)
      #expect(outcome.status == status, "\(arguments): \(outcome.messages)")
      #expect(outcome.messageLines.last?.contains(message) == true, "\(outcome.messages)")
    }
    #expect(!workspace.exists("run/model.safetensors"))
  }

  @Test func aBrokenPictureIsLeftOut() throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    try workspace.write("pictures/3.ppm", "P6 64")
    let outcome = try train(
      ["squares.json", "--images", "pictures", "-o", "run", "--epochs", "2"] + Self.small,
      in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(
      outcome.messageLines.filter { $0.contains("3.ppm: cannot be decoded") }.count == 1,
      "\(outcome.messages)")
  }

  @Test(arguments: ["train-small", "train-detector"])
  func thePipelinesThatComeAlongAreUnderstood(_ name: String) throws {
    let workspace = try Workspace()
    try makeSquares(workspace)
    // A tenth of a step of an epoch: read, resolved, begun, done.
    let outcome = try train(
      [
        "squares.json", "--images", "pictures", "-o", "run", "--pipeline", name, "--epochs", "0.1",
        "--batch-size", "1", "--sizes", "64", "--max-size", "64", "--images-per-call", "1",
        "--batch-norm", "frozen", "--backbone", "resnet18", "--base-width", "16",
        "--pyramid-channels", "32",
      ], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
  }
}
