/*
 * events.c: the table. MESSAGE_IDs are random once and then for ever.
 */
#include "daemon/events.h"

const struct event_info event_infos[EVENT_TYPE_MAX] = {
    [EVENT_GENERATION] = {"generation", "a4d4e72d2de241b8a6c73c81f4b6357b", LOG_AT_INFO, true},
    [EVENT_REFUSED] = {"refused", "632eb234243f4ac6bf611a64e3be638e", LOG_AT_ERROR, true},
    [EVENT_START] = {"start", "76cf081383f942b3a5162a0edf1727da", LOG_AT_INFO, false},
    [EVENT_CREATE] = {"create", "ce62de28082342a9bf5e6df1f1a17c27", LOG_AT_NOTICE, true},
    [EVENT_ADOPT] = {"adopt", "79fc18db602647daa57416de39ed4ef9", LOG_AT_NOTICE, true},
    [EVENT_UPDATE] = {"update", "c5e16ce545af41aa86f1b28f947f3869", LOG_AT_NOTICE, true},
    [EVENT_REPLACE] = {"replace", "a7df8ba8609b413590fd4810da1dc566", LOG_AT_WARNING, true},
    [EVENT_DELETE] = {"delete", "5a71c6c4e9674ae9b61bc9e79d335ced", LOG_AT_NOTICE, true},
    [EVENT_DRIFT] = {"drift", "07d0cb2dcd4f407b8d170e75e39f3791", LOG_AT_WARNING, true},
    [EVENT_HEAL] = {"heal", "f7e2796c937c4c1f9b3b3489cab34b8f", LOG_AT_NOTICE, true},
    [EVENT_RESOLVED] = {"resolved", "fea476ba78d6488a902abde0e252136f", LOG_AT_NOTICE, true},
    [EVENT_CONTESTED] = {"contested", "4537e1c9962a4ba4a2d6dd235ed1a1a0", LOG_AT_ERROR, true},
    [EVENT_FAILED] = {"failed", "07cf975ed9ec4b5bb26e25096473beff", LOG_AT_ERROR, true},
    [EVENT_RECOVERED] = {"recovered", "bc73a6298de84e34a4a7d2f15f2fac80", LOG_AT_NOTICE, true},
    [EVENT_UNKNOWN] = {"unknown", "37f5965e9ff44fe1b1588672b72a726f", LOG_AT_WARNING, true},
    [EVENT_KNOWN] = {"known", "82252dd6b0f84d998081a045c7e08134", LOG_AT_NOTICE, true},
    [EVENT_HELD] = {"held", "e5df43ebff734ff8bf39d12c04a28f10", LOG_AT_WARNING, true},
    [EVENT_BLOCKED] = {"blocked", "0129b442cf3c4e32a088a3f6d844e8d0", LOG_AT_CRITICAL, true},
    [EVENT_UNBLOCKED] = {"unblocked", "3f5cd599e7fa47db944509b1553b7cda", LOG_AT_NOTICE, true},
    [EVENT_CONVERGED] = {"converged", "9f6a822eb63a48ddaa8242d627d2ba05", LOG_AT_INFO, true},
    [EVENT_WAITING] = {"waiting", "a333774cbd7e45f4ac4d859ceb622413", LOG_AT_INFO, false},
    [EVENT_PAUSED] = {"paused", "38b0392d0fb840f58fd06cabfd9f0105", LOG_AT_NOTICE, true},
    [EVENT_RESUMED] = {"resumed", "f604f11d0f174a7fb22c2adb1d6aec97", LOG_AT_NOTICE, true},
    [EVENT_APPROVED] = {"approved", "af6390b24d5547f983d11c6e9ddb8f1c", LOG_AT_NOTICE, true},
    [EVENT_FORGOTTEN] = {"forgotten", "6dbbac94052a4dab9aa726bdc4a6003d", LOG_AT_NOTICE, true},
    [EVENT_DESTROYING] = {"destroying", "6128cd7e123440088bd5c86ccdd71f10", LOG_AT_WARNING, true},
    [EVENT_DESTROYED] = {"destroyed", "52e4b89fcda844a2a5da3f3af71450e5", LOG_AT_NOTICE, true},
    [EVENT_REBUILDING] = {"rebuilding", "85b231ad9cce487e9119156175a78001", LOG_AT_NOTICE, true},
};
