// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/checkpoint_service.h"

#include "core/architecture/architecture.h"
#include "core/checkpoint/checkpoint.h"
#include "core/engine/layout/copied_tensor.h"
#include "core/engine/model/model_tensors.h"

#include <cmath>
#include <map>
#include <stdexcept>

namespace paretoscope::engine {

namespace {

struct TensorPlace
{
    const core::TensorInfo* stored = nullptr;
    std::int64_t matrices = 1; ///< that the stored tensor is made of

    core::Bits bits() const { return {stored->stored.value * 8 / matrices}; }
};

using Places = std::map<std::string, TensorPlace, std::less<>>;

Places placesOf(const core::Architecture& architecture, const core::Checkpoint& checkpoint)
{
    Places places;
    for (const core::ExpectedTensor& expected : architecture.tensors()) {
        std::vector<std::string> names;
        appendGraphNames(names, expected);
        for (const std::string& name : names)
            places[name] = {checkpoint.find(expected.name), std::ssize(names)};
    }
    return places;
}

/// The shapes in which the graph reads its tensors.
std::map<std::string, std::vector<std::int64_t>> graphShapes(const core::Architecture& architecture)
{
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const core::ExpectedTensor& expected : architecture.tensors()) {
        std::vector<std::int64_t> shape(expected.shape.begin() + (expected.stacked > 0 ? 1 : 0), expected.shape.end());
        if (expected.transposed && shape.size() == 2)
            std::swap(shape[0], shape[1]);
        std::vector<std::string> names;
        appendGraphNames(names, expected);
        for (const std::string& name : names)
            shapes[name] = shape;
    }
    return shapes;
}

/// A tensor of a checkpoint on disk.
class CheckpointTensor : public CompressedTensor
{
public:
    CheckpointTensor(std::shared_ptr<const CheckpointTensors> source, std::string name, TensorPlace place)
        : m_source(std::move(source))
        , m_name(std::move(name))
        , m_place(place)
    {}

    at::Tensor dequantize() const override
    {
        core::Result<at::Tensor> value = m_source->read(m_name);
        if (!value.ok())
            throw std::runtime_error(value.error().message);
        return std::move(value).value();
    }
    std::vector<StoredPart> storedParts() const override
    {
        return {{"values", m_place.bits(), m_place.matrices == 1 ? m_place.stored : nullptr}};
    }
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return {{"values", dequantize()}}; }
    std::string_view layout() const override { return "checkpoint"; }

private:
    std::shared_ptr<const CheckpointTensors> m_source;
    std::string m_name;
    TensorPlace m_place;
};

class OpenedCheckpoint : public OtherCheckpoint
{
public:
    OpenedCheckpoint(std::shared_ptr<const CheckpointTensors> tensors, Places places)
        : m_tensors(std::move(tensors))
        , m_places(std::move(places))
    {
        for (const auto& place : m_places)
            m_names.push_back(place.first);
    }

    const std::vector<std::string>& tensors() const override { return m_names; }
    std::shared_ptr<const CompressedTensor> tensor(std::string_view name) const override
    {
        return std::make_shared<CheckpointTensor>(m_tensors, std::string(name), m_places.find(name)->second);
    }
    core::Result<std::shared_ptr<const CompressedTensor>> copy(std::string_view name) const override
    {
        const TensorPlace& place = m_places.find(name)->second;
        PSC_ASSIGN(const at::Tensor value, m_tensors->read(name));
        if (!std::isfinite(value.sum(at::kDouble).item<double>()))
            return core::Error {core::ErrorCode::Numerical,
                                "the checkpoint has values in " + std::string(name) + " that are not finite",
                                "what made it broke the model"};
        return std::shared_ptr<const CompressedTensor>(
            std::make_shared<CopiedTensor>(value, place.stored->type, place.bits()));
    }

private:
    std::shared_ptr<const CheckpointTensors> m_tensors;
    Places m_places;
    std::vector<std::string> m_names;
};

core::Error otherNetwork(const std::filesystem::path& model, const std::string& what)
{
    return {core::ErrorCode::InvalidArgument, model.string() + " is not the same network: " + what,
            "import checkpoints that were made from the workload's model"};
}

} // namespace

core::Result<std::shared_ptr<const OtherCheckpoint>> CheckpointService::open(const std::filesystem::path& model)
{
    PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(model));
    const std::shared_ptr<const core::Checkpoint> checkpoint = std::move(opened);
    PSC_ASSIGN(const core::Architecture architecture, core::describeArchitecture(*checkpoint, m_architectures));
    PSC_TRY(core::requireSupported(architecture, *checkpoint));
    const auto tensors = std::make_shared<const CheckpointTensors>(checkpoint, architecture, core::Bytes {}, m_device);
    const core::Architecture& ours = m_model.architecture();
    if (architecture.family != ours.family)
        return otherNetwork(model, "it is of the family " + architecture.family + ", the model " + ours.family);
    const std::map<std::string, std::vector<std::int64_t>> wanted = graphShapes(ours);
    const std::map<std::string, std::vector<std::int64_t>> found = graphShapes(architecture);
    for (const auto& [name, shape] : wanted) {
        const auto same = found.find(name);
        if (same == found.end())
            return otherNetwork(model, "it has no " + name);
        if (same->second != shape)
            return otherNetwork(model, name + " is " + core::shapeText(same->second) + " there and " +
                                           core::shapeText(shape) + " in the model");
    }
    for (const auto& [name, shape] : found) {
        if (!wanted.contains(name))
            return otherNetwork(model, "it has " + name + ", the model has not");
    }
    return std::shared_ptr<const OtherCheckpoint>(
        std::make_shared<OpenedCheckpoint>(tensors, placesOf(architecture, *checkpoint)));
}

} // namespace paretoscope::engine
