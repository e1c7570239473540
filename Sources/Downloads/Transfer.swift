import CCurl
import SystemPackage

/// One request to a server through libcurl, which follows redirections and heeds the environment's proxies (https_proxy,
/// http_proxy, all_proxy, no_proxy). The one place that talks to it.
struct Transfer: ~Copyable {
  /// How a request ended.
  enum Outcome: Equatable {
    case done
    /// Somebody said to stop.
    case stopped
    /// The server cannot go on in the middle of the file.
    case noRanges
    /// It may go better the next time; what the library says.
    case interrupted(String)
    case failed(DownloadError.Problem)
  }

  /// State of a request that the library's callbacks get.
  private struct Reception {
    var append: (UnsafeRawBufferPointer) -> Errno?
    var progress: () -> Bool
    var writeError: Errno?
    var promise = Download.Promise()
  }

  /// Requests end when less than this many bytes a second come for a minute.
  private static let leastSpeed = 100

  private let handle: UnsafeMutableRawPointer

  init() {
    // Once for all threads that come later: the program fetches before it has others.
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard let handle = curl_easy_init() else { preconditionFailure("libcurl has no memory") }
    self.handle = handle
  }

  deinit { curl_easy_cleanup(handle) }

  /// Receives a file, or what of it is not there yet.
  ///
  /// - Parameters:
  ///   - address: http or https.
  ///   - offset: bytes that are there already.
  ///   - progress: called several times a second; says whether to go on.
  ///   - append: gets the bytes in order; what it returns ends the request.
  /// - Returns: how it ended, and what the server promised.
  func receive(
    _ address: String, from offset: Int, progress: @escaping () -> Bool,
    append: @escaping (UnsafeRawBufferPointer) -> Errno?
  ) -> (outcome: Outcome, promise: Download.Promise) {
    var reception = Reception(append: append, progress: progress)
    let code = withUnsafeMutablePointer(to: &reception) { reception in
      configure(address, offset)
      ccurl_set_context(handle, CURLOPT_WRITEDATA, reception)
      ccurl_set_context(handle, CURLOPT_HEADERDATA, reception)
      ccurl_set_context(handle, CURLOPT_XFERINFODATA, reception)
      return curl_easy_perform(handle)
    }
    return (outcome(code, reception), reception.promise)
  }

  private func configure(_ address: String, _ offset: Int) {
    curl_easy_reset(handle)
    ccurl_set_text(handle, CURLOPT_URL, address)
    // A digest of few digits is no protection against somebody in between: what begins encrypted stays so.
    let protocols = address.hasPrefix("https:") ? "https" : "http,https"
    ccurl_set_protocols(handle, protocols, protocols)
    ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 1)
    ccurl_set_long(handle, CURLOPT_MAXREDIRS, 10)
    ccurl_set_long(handle, CURLOPT_FAILONERROR, 1)
    ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 30)
    ccurl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, Self.leastSpeed)
    ccurl_set_long(handle, CURLOPT_LOW_SPEED_TIME, 60)
    ccurl_set_text(handle, CURLOPT_USERAGENT, "detect-batch")
    if offset > 0 { ccurl_set_offset(handle, CURLOPT_RESUME_FROM_LARGE, curl_off_t(offset)) }
    ccurl_set_long(handle, CURLOPT_NOPROGRESS, 0)
    ccurl_set_progress(handle) { context, _, _, _, _ in
      // The pointer that `receive` gave, for as long as it runs.
      context?.assumingMemoryBound(to: Reception.self).pointee.progress() == false ? 1 : 0
    }
    ccurl_set_writer(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let reception = context?.assumingMemoryBound(to: Reception.self) else { return 0 }
      let received = UnsafeRawBufferPointer(start: bytes, count: size * count)
      reception.pointee.writeError = reception.pointee.append(received)
      return reception.pointee.writeError == nil ? received.count : 0
    }
    ccurl_set_writer(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      context?.assumingMemoryBound(to: Reception.self).pointee.promise.read(
        String(decoding: line, as: UTF8.self))
      return line.count
    }
  }

  private func outcome(_ code: CURLcode, _ reception: Reception) -> Outcome {
    let words = String(cString: curl_easy_strerror(code))
    switch code {
    case CURLE_OK: return .done
    case CURLE_ABORTED_BY_CALLBACK: return .stopped
    case CURLE_RANGE_ERROR: return .noRanges
    case CURLE_WRITE_ERROR where reception.writeError != nil:
      return .failed(.unwritable(reception.writeError ?? .ioError, file: ""))
    case CURLE_HTTP_RETURNED_ERROR:
      let status = ccurl_response_code(handle)
      // 416: there is nothing after what is there.
      if status == 416 { return .noRanges }
      return status == 429 || status >= 500
        ? .interrupted("the server answers HTTP \(status)") : .failed(.refused(status: status))
    case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_OPERATION_TIMEDOUT,
      CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_SEND_ERROR:
      return .interrupted(words)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
      return .failed(
        .unreachable("\(words) (are certificates installed? Debian's package is ca-certificates)"))
    default: return .failed(.unreachable(words))
    }
  }
}

extension Download.Promise {
  /// Takes a header's line over.
  fileprivate mutating func read(_ line: String) {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else { return }
    let value = parts[1].filter { !$0.isWhitespace && $0 != "\"" }
    switch parts[0].lowercased() {
    case "x-linked-size": size = Int(value)
    case "x-linked-etag":
      let isDigest = value.count == 64 && value.allSatisfy { $0.isHexDigit && $0.isASCII }
      sha256 = isDigest ? value.lowercased() : nil
    default: break
    }
  }
}
