#pragma once
#include <assert.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

// Macros that Swift cannot see.
static const int cffmpeg_error_eof = AVERROR_EOF;
static const int cffmpeg_error_exit = AVERROR_EXIT;
static const int64_t cffmpeg_no_timestamp = AV_NOPTS_VALUE;

// Numbers up to FFmpeg 7, an enumeration since: to Swift these are different types.
static const int cffmpeg_sws_bicubic = SWS_BICUBIC;
static const int cffmpeg_sws_area = SWS_AREA;
static const int cffmpeg_sws_accurate_rounding = SWS_ACCURATE_RND;
static const int cffmpeg_sws_full_chroma = SWS_FULL_CHR_H_INT;
static const int cffmpeg_sws_bit_exact = SWS_BITEXACT;

// Its fields are public since FFmpeg 8: Swift then calls the pointer by another name.
typedef struct SwsContext *CFFmpegScaler;

// FFmpeg 6.1 put new names beside these, FFmpeg 8 took the old ones away.
#define CFFMPEG_SINCE_6_1 (LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100))

static inline bool cffmpeg_is_keyframe(const AVFrame *frame) {
#if CFFMPEG_SINCE_6_1
  return frame->flags & AV_FRAME_FLAG_KEY;
#else
  return frame->key_frame;
#endif
}

// The matrix by which the container wants its pictures turned, and its size in bytes, or null.
static inline const uint8_t *cffmpeg_display_matrix(const AVStream *stream, size_t *size) {
#if CFFMPEG_SINCE_6_1
  const AVCodecParameters *parameters = stream->codecpar;
  const AVPacketSideData *found = av_packet_side_data_get(
      parameters->coded_side_data, parameters->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  *size = found ? found->size : 0;
  return found ? found->data : NULL;
#else
  return av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, size);
#endif
}

// Where in the file a frame's packet starts, or -1: a frame no longer says so by itself, but carries what was laid into
// its packet, if the decoder was opened with this flag.
#if CFFMPEG_SINCE_6_1
static const int cffmpeg_position_flag = AV_CODEC_FLAG_COPY_OPAQUE;
#else
static const int cffmpeg_position_flag = 0;
#endif

static inline void cffmpeg_lay_position(AVPacket *packet) {
#if CFFMPEG_SINCE_6_1
  static_assert(sizeof(intptr_t) >= sizeof(int64_t), "a position has to fit into a pointer");
  packet->opaque = (void *)(intptr_t)(packet->pos + 1); // Null is what a packet without one has.
#endif
}

static inline int64_t cffmpeg_position(const AVFrame *frame) {
#if CFFMPEG_SINCE_6_1
  return (int64_t)(intptr_t)frame->opaque - 1;
#else
  return frame->pkt_pos;
#endif
}

// How long a frame is shown, in units of its stream's time base; 0 where nobody says.
static inline int64_t cffmpeg_duration(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame->duration;
#else
  return frame->pkt_duration;
#endif
}
