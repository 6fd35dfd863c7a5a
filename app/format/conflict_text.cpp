// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/conflict_text.h"

#include "app/format/text.h"

namespace paretoscope::app {

namespace {

std::string runText(const core::MeasuredValue& measured)
{
    std::string text = measured.startedUtc;
    for (const char* key : {"host", "device", "build"}) {
        const auto found = measured.provenance.is_object() ? measured.provenance.find(key) : measured.provenance.end();
        if (found != measured.provenance.end() && found->is_string())
            text += (text.empty() ? "" : ", ") + found->get<std::string>();
    }
    return text.empty() ? "a run that is not known" : text;
}

} // namespace

std::string conflictsText(const std::vector<core::MeasurementConflict>& conflicts)
{
    std::string text;
    for (const core::MeasurementConflict& conflict : conflicts) {
        text += "conflict: " + printable(conflict.metric) + " of " + printable(conflict.label) + " (" +
                conflict.trial.substr(0, 12) + ")" +
                (conflict.protocol.empty() ? "" : ", " + printable(conflict.protocol)) + "\n";
        for (const core::MeasuredValue& measured : conflict.values)
            text += "  " + (measured.value ? core::Json(*measured.value).dump() : std::string("no number")) +
                    "  from " + printable(runText(measured)) + "\n";
    }
    return text;
}

core::Json conflictsJson(const std::vector<core::MeasurementConflict>& conflicts)
{
    core::Json list = core::Json::array();
    for (const core::MeasurementConflict& conflict : conflicts) {
        core::Json values = core::Json::array();
        for (const core::MeasuredValue& measured : conflict.values)
            values.push_back({{"value", measured.value ? core::Json(*measured.value) : core::Json()},
                              {"started", measured.startedUtc},
                              {"provenance", measured.provenance}});
        list.push_back({{"trial", conflict.trial},
                        {"pipeline", conflict.label},
                        {"metric", conflict.metric},
                        {"protocol", conflict.protocol},
                        {"values", std::move(values)}});
    }
    return list;
}

} // namespace paretoscope::app
