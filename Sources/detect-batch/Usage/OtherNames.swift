/// What other tools call it: names of options and subcommands that people bring along, and what answers them here.
enum OtherNames {
  /// What is said about a name.
  enum Answer {
    /// The options that it is here; the first that a command has counts.
    case options([String])
    /// A subcommand, and what is said where this program has none of that name.
    case subcommand(String, otherwise: String)
    /// Why there is no such option, and what to do.
    case text(String)
  }

  private typealias Row = (names: [String], answer: Answer)

  /// The options that are options here, by their names without dashes as `Likeness.normal` has them.
  static let options = table([
    (
      [
        "conf", "conf-thres", "conf-thresh", "conf-threshold", "confidence", "threshold",
        "confidence-threshold", "thresh", "thres", "score", "score-thr", "score-thresh",
        "score-thres", "min-score", "min-confidence", "min-conf",
      ], .options(["score-threshold"])
    ),
    (
      [
        "iou", "iou-thres", "iou-thresh", "iou-threshold", "nms", "nms-thres", "nms-thresh",
        "nms-iou",
      ], .options(["nms-threshold"])
    ),
    (
      ["agnostic", "agnostic-nms", "class-agnostic", "nms-agnostic"],
      .options(["class-agnostic-nms"])
    ),
    (
      [
        "tile-size", "slice-size", "slice-height", "slice-width", "patch-size", "tile-size-x",
        "tile-size-y", "slice", "sliced", "sahi",
      ], .options(["tile"])
    ),
    (
      [
        "overlap-height-ratio", "overlap-width-ratio", "overlap-ratio", "patch-overlap", "overlap",
      ], .options(["tile-overlap"])
    ),
    (["postprocess-match-metric", "match-metric"], .options(["tile-merge"])),
    (["postprocess-match-threshold", "match-threshold"], .options(["tile-merge-threshold"])),
    (["no-standard-prediction"], .options(["no-tile-whole"])),
    (["augment", "tta", "test-time-augmentation"], .options(["flip"])),
    (["max-det", "max-dets", "topk", "top-k"], .options(["max-detections"])),
    (["label", "labels", "class", "filter-classes"], .options(["classes"])),
    (["weights", "checkpoint", "ckpt", "model-path", "pretrained"], .options(["model", "start"])),
    (["cfg", "config", "settings"], .options(["pipeline", "config"])),
    (
      ["imgsz", "img", "img-size", "image-size", "imgsize", "resize", "input-size"],
      .options(["size", "sizes"])
    ),
    (
      [
        "vid-stride", "stride", "frame-stride", "frame-skip", "skip-frames", "frame-step",
        "step", "interval", "frame-interval",
      ], .options(["every"])
    ),
    (["rate", "frame-rate", "framerate", "sample-rate", "sampling-rate"], .options(["fps"])),
    (["start-time", "ss", "from", "begin", "seek"], .options(["start"])),
    (["end-time", "until"], .options(["end"])),
    (["vframes", "frames", "num-frames", "max-images"], .options(["max-frames"])),
    (["key-frames", "iframes", "i-frames"], .options(["keyframes"])),
    (
      [
        "threads", "num-threads", "num-workers", "nworkers", "jobs", "n-jobs", "cpus", "cores",
        "processes", "nproc",
      ], .options(["workers"])
    ),
    (["batch", "bs", "batchsize"], .options(["batch-size"])),
    (["max-memory", "memory", "mem-limit", "ram"], .options(["memory-limit"])),
    (
      [
        "project", "out", "output-dir", "outdir", "out-dir", "save-dir", "output-path", "dest",
        "results-dir", "output-folder",
      ], .options(["output"])
    ),
    (["force", "exist-ok", "replace"], .options(["overwrite"])),
    (["ignore", "skip"], .options(["exclude"])),
    (["silent"], .options(["quiet"])),
    (["debug", "verbosity"], .options(["verbose"])),
    (["dryrun", "simulate", "what-if", "no-act"], .options(["dry-run"])),
    (["prometheus", "metrics-file"], .options(["metrics"])),

    (["lr", "lr0", "base-lr", "learningrate"], .options(["learning-rate"])),
    (["wd"], .options(["weight-decay"])),
    (["opt"], .options(["optimizer"])),
    (["scheduler", "lr-scheduler", "lr-schedule"], .options(["schedule"])),
    (["lr-steps", "milestones"], .options(["rate-steps"])),
    (["warmup", "warmup-steps", "warmup-iters"], .options(["warm-up"])),
    (["clip", "grad-clip", "clip-grad", "max-grad-norm"], .options(["clip-norm"])),
    (["ema", "ema-decay"], .options(["average-decay"])),
    (["freeze"], .options(["frozen-stages"])),
    (
      ["accum", "grad-accum", "accumulation", "gradient-accumulation"], .options(["accumulate"])
    ),
    (["fliplr", "hflip"], .options(["flip"])),
    (["val", "valid", "val-data", "val-set"], .options(["validation"])),
    (["random-seed"], .options(["seed"])),
    (
      ["gt", "ground-truth", "ann", "ann-file", "annotation", "annotation-file"],
      .options(["annotations"])
    ),
    (["dt", "detections", "pred", "preds", "predictions"], .options(["results"])),
  ])

  /// What only `detect` answers.
  static let detectOptions = table([
    (
      ["source", "input", "inputs", "path", "video", "videos", "image", "dir", "file"],
      .text("inputs are named without an option, as in: detect-batch clips/")
    ),
    (
      ["save-txt", "save-json", "save-csv", "save-conf", "save-crop", "format", "output-format"],
      .subcommand("export", otherwise: "records are JSON Lines, one object a frame")
    ),
    (
      [
        "save", "save-img", "save-vid", "show", "view", "view-img", "visualize", "vis", "draw",
        "annotate", "line-width", "line-thickness",
      ], .subcommand("draw", otherwise: "")
    ),
    (
      ["recursive", "recurse"], .text("directories are always searched with all below them")
    ),
    (
      ["resume", "continue", "skip-existing"],
      .text("finished inputs are always skipped, and begun ones continued")
    ),
    (["json"], .text("records are JSON Lines: -o - prints them")),
    (
      ["tracker", "track", "persist"],
      .text("nothing is followed from frame to frame: every record stands alone")
    ),
  ])

  /// What only `train` answers.
  static let trainOptions = table([
    (
      ["data", "dataset", "data-path", "data-dir"],
      .text("the data set is named without an option, as in: detect-batch train data/ -o run")
    )
  ])

  /// What all answer that run a network.
  static let networkOptions = table([
    (
      ["device", "gpu", "gpus", "cuda", "cpu"],
      .text("it runs on CPUs, and --workers says on how many threads")
    ),
    (["half", "fp16", "bf16", "int8"], .options(["precision"])),
  ])

  /// The answer for a subcommand's name.
  static let subcommands = table([
    (["eval", "val", "validate", "test", "benchmark"], .subcommand("evaluate", otherwise: "")),
    (["convert"], .subcommand("import", otherwise: "")),
    (["info", "summary", "show-model", "describe"], .subcommand("inspect", otherwise: "")),
    (["fit", "finetune"], .subcommand("train", otherwise: "")),
    (["quantise", "calibrate", "ptq"], .subcommand("quantize", otherwise: "")),
    (["join", "concat"], .subcommand("merge", otherwise: "")),
    (
      [
        "visualize", "visualise", "annotate", "plot", "render", "blur", "anonymize", "redact",
      ], .subcommand("draw", otherwise: "")
    ),
    (["gallery", "html", "browse", "dashboard"], .subcommand("report", otherwise: "")),
    (
      ["predict", "infer", "inference", "run"],
      .text("detecting needs no subcommand, as in: detect-batch clips/")
    ),
    (["version"], .text("detect-batch --version says the versions")),
  ])

  private static func table(_ rows: [Row]) -> [String: Answer] {
    Dictionary(uniqueKeysWithValues: rows.flatMap { row in row.names.map { ($0, row.answer) } })
  }
}
