#if FUZZING
  import FrameDecoding
  import Glibc
  import SystemPackage

  /// Which target `scripts/fuzz` wants to be run: `DETECT_BATCH_FUZZING` names it.
  private let target: FuzzTarget = {
    let name = getenv("DETECT_BATCH_FUZZING").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
      exit(name.isEmpty ? 0 : 2)
    }
    // Bytes that name the root as a folder of pictures would have all of this machine's files looked through.
    let here = getcwd(nil, 0).map { FilePath(platformString: $0) }
    MediaDecoders(.on).keepOnly(
      FileRights(writable: Set([FuzzFolder.path, here].compactMap(\.self))))
    return target
  }()

  /// What libFuzzer, which has the program's `main`, calls for each input.
  @_cdecl("LLVMFuzzerTestOneInput")
  public func runFuzzTarget(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  }
#endif
