import COneDNN

/// The library that does the arithmetic.
public enum EngineVersion {
  /// oneDNN's version, as `2.6.3`.
  public static var text: String {
    guard let version = dnnl_version()?.pointee else { return "?" }
    return "\(version.major).\(version.minor).\(version.patch)"
  }
}
