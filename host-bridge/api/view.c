/* SPDX-License-Identifier: MIT */
/* The parts that views are made of. */
#include "host-bridge/api/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define YEAR_LAST 9999 /* of ISO 8601 with four digits */

json_t *view_text(const char *text)
{
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    char *safe = strdup(text);
    for (char *c = safe; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    json = safe == NULL ? NULL : json_string(safe);
    free(safe);
    return json;
}

json_t *view_text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : view_text(text);
}

json_t *view_time(uint64_t realtime_ms)
{
    time_t seconds = (time_t)(realtime_ms / 1000);
    struct tm parts;
    char date[48];
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year > YEAR_LAST - 1900 ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return json_string("9999-12-31T23:59:59.999Z"); /* a guest's clock may say anything */
    return json_sprintf("%s.%03dZ", date, (int)(realtime_ms % 1000));
}

json_t *view_time_or_null(uint64_t realtime_ms)
{
    return realtime_ms == 0 ? json_null() : view_time(realtime_ms);
}

json_t *view_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_int_t view_count(uint64_t count)
{
    return count > INT64_MAX ? INT64_MAX : (json_int_t)count;
}

json_t *view_protocol(uint8_t protocol)
{
    return json_string(protocol == PORT_UDP ? "udp" : "tcp");
}

bool view_protocol_parse(const char *text, uint8_t *ret)
{
    if (strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0)
        return false;
    *ret = text[0] == 't' ? PORT_TCP : PORT_UDP;
    return true;
}

json_t *view_address(const struct ip_address *address)
{
    char text[46];
    ip_address_format(address, text);
    return json_string(text);
}
