// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json.h"
#include "roofline/hardware/hardware_spec.h"
#include "roofline/llm_viewer/model.h"
#include "roofline/measured/machine_profile.h"
#include "roofline/model/model_shape.h"
#include "roofline/operations/operation_catalogue.h"
#include "roofline/prediction/derivation.h"
#include "roofline/prediction/explanation.h"
#include "roofline/trial/compressed_model.h"
#include "views/roofline/roofline_setting.h"

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::views {

/// A model as both kinds of mode see it; what one of them cannot read is an error there alone.
struct RooflineModel
{
    std::string name = {};
    core::Result<roofline::ModelShape> shape;
    core::Result<roofline::llm_viewer::Model> llmViewer;

    bool hasAnswers() const { return !shape.ok() || shape.value().vocabulary > 0; } ///< else: one pass over images
    bool hasExperts() const;
};
using RooflineModelPtr = std::shared_ptr<const RooflineModel>;

/// Reads a config.json, a model folder or a GGUF file. Errors: those of roofline::readConfig; Unsupported (no mode can
/// read it, with what is missing for the accurate one).
core::Result<RooflineModel> readRooflineModel(const std::string& path);
/// The same from what stands in a config.json. Errors: Unsupported.
core::Result<RooflineModel> rooflineModelOf(const std::string& name, const core::Json& config);

/// All that a prediction is made of. A plain value that computations in other threads keep.
struct RooflineCase
{
    RooflineModelPtr model = {}; ///< never null in a case that is analysed
    roofline::HardwareSpec device = {};
    RooflineSetting setting = {};
    std::shared_ptr<const roofline::MachineProfile> machine = {}; ///< the device, where this program measured it
    RooflineModelPtr draft = {};                                  ///< that drafts tokens; null: none
    std::shared_ptr<const roofline::CompressedModel> stored =
        {}; ///< the model as a trial left it; null: by the setting
};

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// An operation of a stage on a device. FLOPs, bytes and seconds are those of one of `count` equal ones.
struct AnalysedOperation
{
    std::string section = {}; ///< "entry", "layer" or "head"
    int firstLayer = -1;      ///< of `count` equal layers
    double count = 1;
    std::string name = {};
    roofline::OperationKind kind = roofline::OperationKind::Elementwise;
    double flops = 0;
    double weightBytes = 0;
    double activationBytes = 0;
    double cacheBytes = 0;
    double seconds = 0;
    roofline::Bound bound = roofline::Bound::Memory;
    double peak = 0; ///< operations per second of the roof above it; 0: none
    double bandwidth = 0;
    std::array<double, 2> shape {}; ///< rows and columns of its result; 0: not told
    std::vector<int> inputs = {};   ///< indices into the operations; -1: what enters the section
    bool isDrawn = true;            ///< LLM-Viewer counts one that it does not draw
    double share = 0;               ///< of the time of the stage, all `count` together
    std::vector<roofline::Derivation> derivations = {};

    double bytes() const { return weightBytes + activationBytes + cacheBytes; }
    double intensity() const { return bytes() > 0 ? flops / bytes() : kUnknown; }
    double performance() const { return seconds > 0 ? flops / seconds : kUnknown; }
    double mfu() const { return peak > 0 ? performance() / peak : kUnknown; }
    double mbu() const { return bandwidth > 0 && seconds > 0 ? bytes() / seconds / bandwidth : kUnknown; }
};

/// A ceiling to draw: min(peak, intensity · bandwidth).
struct Roof
{
    std::string device = {};
    std::string level = {}; ///< "last cache"; empty: the main memory
    std::string type = {};  ///< "bf16"
    double peak = 0;
    double bandwidth = 0;
    bool isMeasured = false;

    double ridge() const { return peak / bandwidth; }
    bool operator==(const Roof&) const = default;
};

/// A timed operation, drawn over the predicted one of the same name.
struct MeasuredPoint
{
    std::string operation = {};
    double intensity = 0;
    double performance = 0;
};

/// One pass by kind of operation, in seconds.
struct TimeBar
{
    std::string id = {}; ///< "prefill", "decode", "pass"
    std::array<double, roofline::kOperationKinds> seconds {};

    double total() const;
};

struct RooflineAnalysis
{
    std::vector<AnalysedOperation> operations = {};
    std::vector<Roof> roofs = {}; ///< that the operations run under
    std::vector<MeasuredPoint> measured = {};
    std::vector<roofline::Derivation> results = {}; ///< of the whole setting, with how each comes about
    std::vector<TimeBar> times = {};
    roofline::MemoryNeed memory = {};
    double capacityBytes = 0; ///< of the device; 0: not known
    double stageSeconds = 0;  ///< sum over the operations, on one device
    double passSeconds = 0;   ///< of the pass that is explained, with a pipeline and what is beside the operations
    std::optional<roofline::Explanation> explanation = {}; ///< accurate mode, decode and prefill

    const roofline::Derivation* result(std::string_view quantity) const;
};

/// Errors: those of the library: what the device does not state, what the model does not have, impossible values.
core::Result<RooflineAnalysis> analyseRoofline(const RooflineCase& wanted);

/// The results alone, for curves. Errors: as above.
core::Result<std::vector<roofline::Derivation>> rooflineResults(const RooflineCase& wanted);

/// The roof of one number type of a device; nothing where it states no rate.
std::optional<Roof> roofOf(const roofline::HardwareSpec& device, roofline::NumberType type,
                           const RooflineSetting& setting);

roofline::Efficiency efficiencyOf(const RooflineSetting& setting);

} // namespace paretoscope::views
