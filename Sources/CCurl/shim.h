#pragma once
#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo take any arguments, which Swift cannot call, and are macros besides.
static inline CURLcode ccurl_set_long(CURL *transfer, CURLoption option, long value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode ccurl_set_offset(CURL *transfer, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode ccurl_set_text(CURL *transfer, CURLoption option, const char *value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode ccurl_set_context(CURL *transfer, CURLoption option, void *value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode ccurl_set_writer(
    CURL *transfer, CURLoption option, size_t (*function)(char *, size_t, size_t, void *)) {
  return curl_easy_setopt(transfer, option, function);
}
static inline CURLcode ccurl_set_progress(
    CURL *transfer, int (*function)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t)) {
  return curl_easy_setopt(transfer, CURLOPT_XFERINFOFUNCTION, function);
}
static inline long ccurl_response_code(CURL *transfer) {
  long code = 0;
  curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &code);
  return code;
}
// Which protocols are spoken, also after a redirection. Names of protocols came with 7.85; Debian 12 has 7.88.
static inline CURLcode ccurl_set_protocols(CURL *transfer, const char *first, const char *redirected) {
  CURLcode code = curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, first);
  return code ? code : curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS_STR, redirected);
}
