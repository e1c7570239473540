// swift-tools-version: 6.2
import PackageDescription

/// Of targets that declare views of memory: `~Escapable` types say with `@_lifetime` what they must not outlive, which
/// Swift 6.3 has behind this flag only.
let lifetimes = SwiftSetting.enableExperimentalFeature("Lifetimes")

/// One target per job; arrows point downwards only.
let package = Package(
  name: "detect-batch",
  products: [
    .executable(name: "detect-batch", targets: ["detect-batch"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C libraries.
    .systemLibrary(
      name: "CFFmpeg", pkgConfig: "libavformat libavcodec libswscale libavutil",
      providers: [
        .apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev", "libavutil-dev"])
      ]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
    .systemLibrary(name: "CHEIF", pkgConfig: "libheif", providers: [.apt(["libheif-dev"])]),
    .systemLibrary(
      name: "CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(
      name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(name: "CPango", providers: [.apt(["libpango1.0-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    // Loops for more than one instruction set, which Swift cannot compile.
    .target(name: "CTransforms"),
    .target(name: "CColour"),

    // What Linux offers, and Swift cannot call.
    .target(name: "CLinux"),

    // Foundations: no domain above their own.
    .target(name: "Failures"),
    .target(name: "Workers"),
    .target(
      name: "Files",
      dependencies: ["Failures", .product(name: "SystemPackage", package: "swift-system")]),
    .target(name: "JSONText"),
    .target(name: "Settings", dependencies: ["Failures", "Yams"]),
    .target(
      name: "Digests",
      dependencies: ["COpenSSL", .product(name: "SystemPackage", package: "swift-system")]),
    .target(
      name: "Downloads",
      dependencies: [
        "CCurl", "Failures", "Files", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(name: "BoxGeometry"),
    .target(
      name: "Checkpoints",
      dependencies: [
        "Failures", "Files", "JSONText", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "NeuralNetwork", dependencies: ["COneDNN", "CTransforms", "Failures", "Workers"],
      // Its loops over numbers are a hundred times as slow unoptimised: tests would wait for nothing else.
      swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug)), lifetimes]),

    // The detector.
    .target(
      name: "RetinaNetModel",
      dependencies: [
        "BoxGeometry", "Checkpoints", "Digests", "Failures", "Files", "JSONText", "Media",
        "NeuralNetwork",
        "Settings", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: [lifetimes]),
    .target(
      name: "Datasets",
      dependencies: [
        "CXML2", "Failures", "Files", "JSONText", "Settings",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "Evaluation",
      dependencies: [
        "Datasets", "DetectionRecords", "Drawing", "JSONText",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "Training",
      dependencies: [
        "BoxGeometry", "Checkpoints", "Datasets", "Digests", "Drawing", "Evaluation", "Failures",
        "Files", "JSONText", "Media", "NeuralNetwork", "RetinaNetModel", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),

    // Media in, records out.
    .target(name: "Media"),
    .target(
      name: "FrameDecoding",
      dependencies: [
        "CColour", "CFFmpeg", "CHEIF", "CLinux", "CSeccomp", "CTIFF", "Media", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "DetectionRecords",
      dependencies: [
        "Digests", "Failures", "Files", "JSONText",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "DetectionPipeline",
      dependencies: [
        "DetectionRecords", "Digests", "Failures", "Files", "FrameDecoding", "Media",
        "NeuralNetwork",
        "RetinaNetModel", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),

    // Records in, media out.
    .target(
      name: "Drawing", dependencies: ["CPango", "Media"],
      // Its loops over pixels are a hundred times as slow unoptimised: tests would wait for nothing else.
      swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "FrameEncoding",
      dependencies: [
        "CFFmpeg", "Media", .product(name: "SystemPackage", package: "swift-system"),
      ]),

    .target(name: "ReportPage", resources: [.embedInCode("Page")]),
    .target(
      name: "Results",
      dependencies: [
        "Datasets", "DetectionRecords", "Digests", "Drawing", "Evaluation", "Failures", "Files",
        "FrameDecoding", "FrameEncoding", "JSONText", "Media", "ReportPage", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),

    // The tool, and the bench that the scripts in `scripts/` measure with.
    .executableTarget(
      name: "detect-batch",
      dependencies: [
        "BoxGeometry", "Checkpoints", "Datasets", "DetectionPipeline", "DetectionRecords",
        "Digests", "Downloads",
        "Evaluation", "Failures", "Files", "FrameDecoding", "FrameEncoding", "JSONText", "Media",
        "NeuralNetwork", "Results", "RetinaNetModel", "Settings", "Training", "Workers",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .executableTarget(
      name: "detect-batch-dev",
      dependencies: [
        "BoxGeometry", "Checkpoints", "DetectionPipeline", "DetectionRecords", "FrameDecoding",
        "Media", "NeuralNetwork", "RetinaNetModel", "Training", "Workers",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),

    // Tests.
    .target(
      name: "TestSupport",
      dependencies: [.product(name: "SystemPackage", package: "swift-system")],
      path: "Tests/TestSupport"),
    .testTarget(
      name: "WorkersTests",
      dependencies: [
        "Workers", "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "FilesTests",
      dependencies: [
        "Failures", "Files", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(name: "JSONTextTests", dependencies: ["JSONText", "TestSupport"]),
    .testTarget(name: "SettingsTests", dependencies: ["Settings", "TestSupport"]),
    .testTarget(
      name: "DigestsTests",
      dependencies: [
        "Digests", "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "DownloadsTests",
      dependencies: [
        "Downloads", "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "BoxGeometryTests", dependencies: ["BoxGeometry", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "CheckpointsTests",
      dependencies: [
        "Checkpoints", "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "NeuralNetworkTests", dependencies: ["NeuralNetwork", "TestSupport"]),
    .testTarget(
      name: "RetinaNetModelTests",
      dependencies: [
        "BoxGeometry", "Checkpoints", "Digests", "Media", "NeuralNetwork", "RetinaNetModel",
        "Settings", "TestSupport", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "BoxGeometry", "Checkpoints", "Datasets", "Drawing", "Evaluation", "Media",
        "NeuralNetwork", "RetinaNetModel", "Settings", "Training", "TestSupport", "Workers",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Datasets", "Evaluation", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "FrameDecodingTests",
      dependencies: [
        "CFFmpeg", "Digests", "FrameDecoding", "Media", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "DrawingTests", dependencies: ["Drawing", "Media", "TestSupport"]),
    .testTarget(
      name: "FrameEncodingTests",
      dependencies: [
        "CFFmpeg", "FrameDecoding", "FrameEncoding", "Media", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "ResultsTests",
      dependencies: [
        "Datasets", "DetectionRecords", "Drawing", "Files", "FrameDecoding", "FrameEncoding",
        "Media", "Results", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "DetectionRecordsTests",
      dependencies: [
        "DetectionRecords", "Digests", "Files", "JSONText", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "DetectionPipelineTests",
      dependencies: [
        "BoxGeometry", "DetectionPipeline", "DetectionRecords", "Failures", "Files",
        "FrameDecoding", "Media", "NeuralNetwork", "RetinaNetModel", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "Checkpoints", "Datasets", "DetectionPipeline", "DetectionRecords", "Files",
        "FrameDecoding", "JSONText", "RetinaNetModel", "Settings", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      resources: [.copy("Corpus")]),
    .testTarget(
      name: "ToolTests",
      dependencies: [
        "detect-batch", "BoxGeometry", "Checkpoints", "DetectionPipeline", "Digests", "Downloads",
        "Failures", "FrameDecoding", "Media", "RetinaNetModel", "Settings", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// `.ci/run` says so: a newer compiler's new warnings are nobody's broken build.
if Context.environment["DETECT_BATCH_STRICT"] != nil {
  for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
  }
}

// `scripts/fuzz` says so: its program is made of the sources of FuzzTests and looked into by libFuzzer, and of no use else.
if Context.environment["DETECT_BATCH_FUZZING"] != nil {
  let fuzzed = package.targets.first { $0.name == "FuzzTests" }
  package.targets.removeAll { $0.type == .test || $0.type == .executable }
  package.products = []
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: fuzzed?.dependencies ?? [], path: "Tests/FuzzTests",
      exclude: ["Corpus", "CorpusTests.swift"], swiftSettings: [.define("FUZZING")]))
}
