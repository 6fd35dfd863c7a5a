// SPDX-License-Identifier: GPL-3.0-or-later
// Fits the calibration of a kept measurement anew: refit FILE prints what `roofline --measure --json` would have
// printed. FILE holds such a document, or a machine profile.
#include "app/verbs/measured_text.h"
#include "core/base/mapped_file.h"

#include <iostream>

using namespace paretoscope;

namespace {

core::Result<core::Json> refitted(const char* file)
{
    PSC_ASSIGN(const std::string text, core::readTextFile(file));
    PSC_ASSIGN(const core::Json json, core::parseJson(text, file));
    core::Json profileJson = json.contains("profile") ? json.at("profile") : json;
    profileJson.erase("calibration"); // of another version, perhaps
    PSC_ASSIGN(roofline::MachineProfile profile, roofline::MachineProfile::fromJson(profileJson, file));
    if (!profile.model)
        return core::Error {core::ErrorCode::InvalidArgument, std::string(file) + " was measured without a model",
                            "nothing is calibrated without one"};
    PSC_ASSIGN(const roofline::MeasuredPoints points,
               roofline::calibrateProfile(profile, PARETOSCOPE_RESOURCES "/architectures"));
    return app::measurementJson(profile, points, roofline::remarksOn(profile, points));
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::cerr << "usage: refit FILE\n";
        return 2;
    }
    const core::Result<core::Json> document = refitted(argv[1]);
    if (!document.ok()) {
        std::cerr << document.error().sentence() << '\n';
        return 1;
    }
    std::cout << document.value().dump(1) << '\n';
    return 0;
}
