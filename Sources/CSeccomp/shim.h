#pragma once
#include <errno.h>
#include <seccomp.h>

// Macros that Swift cannot see.
static const uint32_t cseccomp_allow = SCMP_ACT_ALLOW;
static const uint32_t cseccomp_kill = SCMP_ACT_KILL_PROCESS;
static const int cseccomp_unknown_call = __NR_SCMP_ERROR;
static inline uint32_t cseccomp_refuse(uint16_t error) { return SCMP_ACT_ERRNO(error); }
