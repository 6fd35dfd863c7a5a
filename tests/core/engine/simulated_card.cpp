// SPDX-License-Identifier: Apache-2.0
#include "simulated_card.h"

#include <ATen/EmptyTensor.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/transformers/attention.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::tests {

namespace {

using torch::jit::Stack;

thread_local std::int64_t synchronisations = 0;
std::atomic<std::int64_t> operators = 0;
std::atomic<std::int64_t> sideCopies = 0;
std::atomic<std::int64_t> streamWaits = 0;

const c10::Device kCard(c10::DeviceType::PrivateUse1, 0);
thread_local c10::StreamId currentStream = 0;

/// Operators after which a real card's host knows something about values.
constexpr std::array<std::string_view, 10> kSynchronising {"aten::_local_scalar_dense",
                                                           "aten::nonzero",
                                                           "aten::masked_select",
                                                           "aten::bincount",
                                                           "aten::equal",
                                                           "aten::_unique2",
                                                           "aten::unique_dim",
                                                           "aten::unique_consecutive",
                                                           "aten::is_nonzero",
                                                           "aten::_assert_async"};

/// Memory of the card in use, and most of it since resetPeakStats; over all threads.
std::mutex memoryMutex;
c10::CachingAllocator::Stat memory;

/// Storage of the host that is under the name of the card.
struct Kept
{
    explicit Kept(c10::Storage given)
        : host(std::move(given))
        , bytes(host.nbytes())
    {
        const std::lock_guard lock(memoryMutex);
        memory.increase(bytes);
    }
    ~Kept()
    {
        const std::lock_guard lock(memoryMutex);
        memory.decrease(bytes);
    }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    c10::Storage host;
    std::size_t bytes;
};

c10::DataPtr ownedBy(c10::Storage host)
{
    auto kept = std::make_unique<Kept>(std::move(host));
    void* const data = kept->host.mutable_data();
    return {data, kept.release(), [](void* owner) { delete static_cast<Kept*>(owner); }, kCard};
}

class CardAllocator : public c10::DeviceAllocator
{
public:
    c10::DataPtr allocate(std::size_t bytes) override
    {
        return ownedBy(c10::Storage(c10::Storage::use_byte_size_t(), bytes, c10::GetCPUAllocator(), false));
    }
    void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
    bool initialized() override { return true; }
    void emptyCache(c10::MempoolId_t) override {}
    void recordStream(const c10::DataPtr&, c10::Stream) override {}
    c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override
    {
        c10::CachingDeviceAllocator::DeviceStats stats;
        const std::lock_guard lock(memoryMutex);
        stats.allocated_bytes[0] = memory;
        return stats;
    }
    void resetAccumulatedStats(c10::DeviceIndex) override {}
    void resetPeakStats(c10::DeviceIndex) override
    {
        const std::lock_guard lock(memoryMutex);
        memory.reset_peak();
    }
};

CardAllocator& allocator()
{
    static CardAllocator instance;
    return instance;
}

at::Tensor withPlacesOf(const at::Tensor& like, at::Tensor tensor)
{
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
    return tensor;
}

at::Tensor tensorOn(c10::Storage storage, c10::DispatchKey backend, const at::Tensor& like)
{
    return withPlacesOf(
        like, at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(backend), like.dtype()));
}

/// A tensor of the host on the memory of one of the card.
at::Tensor onHost(const at::Tensor& card)
{
    c10::DataPtr data(const_cast<void*>(card.storage().data()), c10::Device(c10::DeviceType::CPU));
    return tensorOn(c10::Storage(c10::Storage::use_byte_size_t(), card.storage().nbytes(), std::move(data),
                                 c10::GetCPUAllocator(), true),
                    c10::DispatchKey::CPU, card);
}

at::Tensor onCard(const at::Tensor& host)
{
    const std::size_t bytes = host.storage().nbytes();
    return tensorOn(c10::Storage(c10::Storage::use_byte_size_t(), bytes, ownedBy(host.storage()), &allocator(), true),
                    c10::DispatchKey::PrivateUse1, host);
}

/// One operator on its way to the CPU and back.
class Call
{
public:
    explicit Call(const c10::OperatorHandle& op)
        : m_op(op)
    {}

    void run(Stack& stack)
    {
        const std::size_t first = stack.size() - m_op.schema().arguments().size();
        for (std::size_t i = first; i < stack.size(); ++i)
            stack[i] = lent(stack[i]);
        {
            const at::AutoDispatchBelowADInplaceOrView below;
            m_op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &stack);
        }
        for (Loan& loan : m_loans)
            takeBack(loan);
        for (std::size_t i = stack.size() - m_op.schema().returns().size(); i < stack.size(); ++i)
            stack[i] = returned(stack[i]);
    }

private:
    struct Loan
    {
        at::Tensor card;
        at::Tensor host;
        const void* data; ///< of the host's storage before the call
    };

    at::Tensor lent(const at::Tensor& tensor)
    {
        if (!tensor.defined())
            return tensor;
        if (tensor.device() == kCard) {
            m_loans.push_back({tensor, onHost(tensor), tensor.storage().data()});
            return m_loans.back().host;
        }
        TORCH_CHECK(tensor.is_cpu() && tensor.dim() == 0, m_op.schema().name(), ": a tensor ", tensor.sizes(), " on ",
                    tensor.device(), " meets tensors on ", kCard);
        return tensor;
    }

    c10::IValue lent(const c10::IValue& value)
    {
        if (value.isTensor())
            return lent(value.toTensor());
        if (value.isTensorList()) {
            c10::List<at::Tensor> list;
            for (const at::Tensor& tensor : value.toTensorVector())
                list.push_back(lent(tensor));
            return list;
        }
        if (value.isOptionalTensorList()) {
            c10::List<std::optional<at::Tensor>> list;
            for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
                list.push_back(tensor ? std::optional(lent(*tensor)) : std::nullopt);
            return list;
        }
        if (value.isDevice() && value.toDevice() == kCard)
            return c10::Device(c10::DeviceType::CPU);
        return value;
    }

    /// An output that was resized has new memory and sizes.
    static void takeBack(const Loan& loan)
    {
        if (loan.host.storage().data() != loan.data) {
            c10::StorageImpl* const storage = loan.card.storage().unsafeGetStorageImpl();
            storage->set_data_ptr_noswap(ownedBy(loan.host.storage()));
            storage->set_nbytes(loan.host.storage().nbytes());
        }
        if (loan.host.sizes() != loan.card.sizes() || loan.host.strides() != loan.card.strides())
            loan.card.unsafeGetTensorImpl()->set_sizes_and_strides(loan.host.sizes(), loan.host.strides(),
                                                                   loan.host.storage_offset());
    }

    at::Tensor returned(const at::Tensor& host) const
    {
        if (!host.defined() || host.device() == kCard)
            return host;
        for (const Loan& loan : m_loans) {
            if (loan.host.is_same(host))
                return loan.card;
        }
        for (const Loan& loan : m_loans) {
            if (loan.host.storage().unsafeGetStorageImpl() == host.storage().unsafeGetStorageImpl())
                return withPlacesOf(host, at::detail::make_tensor<c10::TensorImpl>(c10::TensorImpl::VIEW,
                                                                                   c10::Storage(loan.card.storage()),
                                                                                   loan.card.key_set(), host.dtype()));
        }
        return onCard(host);
    }

    c10::IValue returned(const c10::IValue& value) const
    {
        if (value.isTensor())
            return returned(value.toTensor());
        if (value.isTensorList()) {
            c10::List<at::Tensor> list;
            for (const at::Tensor& tensor : value.toTensorVector())
                list.push_back(returned(tensor));
            return list;
        }
        return value;
    }

    const c10::OperatorHandle& m_op;
    std::vector<Loan> m_loans;
};

void compute(const c10::OperatorHandle& op, Stack* stack)
{
    ++operators;
    if (std::find(kSynchronising.begin(), kSynchronising.end(), op.schema().name()) != kSynchronising.end())
        ++synchronisations;
    Call(op).run(*stack);
}

at::Tensor empty(c10::SymIntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format)
{
    return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), &allocator(),
                                     c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), type.value_or(at::kFloat),
                                     format);
}

at::Tensor emptyStrided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride, std::optional<at::ScalarType> type,
                        std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>)
{
    return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride),
                                             &allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                             type.value_or(at::kFloat));
}

at::Tensor copyFrom(const at::Tensor& from, const at::Tensor& to, bool nonBlocking)
{
    if (from.device() != to.device()) {
        synchronisations += nonBlocking ? 0 : 1;
        sideCopies += to.device() == kCard && currentStream != 0 ? 1 : 0;
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    at::Tensor target = to.device() == kCard ? onHost(to) : to;
    target.copy_(from.device() == kCard ? onHost(from) : from);
    return to;
}

/// Memory is never used again before its turn.
void recordStream(at::Tensor&, c10::Stream) {}

/// Streams run at once, so order is all there is to them.
class CardGuard : public c10::impl::DeviceGuardImplInterface
{
public:
    c10::DeviceType type() const override { return kCard.type(); }
    c10::Device exchangeDevice(c10::Device) const override { return kCard; }
    c10::Device getDevice() const override { return kCard; }
    void setDevice(c10::Device) const override {}
    void uncheckedSetDevice(c10::Device) const noexcept override {}
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }

    c10::Stream getStream(c10::Device) const override { return stream(currentStream); }
    c10::Stream getDefaultStream(c10::Device) const override { return stream(0); }
    c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return stream(1); }
    c10::Stream exchangeStream(c10::Stream next) const override
    {
        return stream(std::exchange(currentStream, next.id()));
    }

    void record(void** event, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override
    {
        *event = const_cast<c10::Device*>(&kCard);
    }
    void block(void*, const c10::Stream&) const override { ++streamWaits; }
    bool queryEvent(void*) const override { return true; }
    bool queryStream(const c10::Stream&) const override { return true; }
    void synchronizeStream(const c10::Stream&) const override { ++synchronisations; }
    void synchronizeEvent(void*) const override { ++synchronisations; }
    void synchronizeDevice(c10::DeviceIndex) const override { ++synchronisations; }
    void* getStreamNativeHandle(const c10::Stream) const override { return nullptr; }

private:
    static c10::Stream stream(c10::StreamId id) { return c10::Stream(c10::Stream::UNSAFE, kCard, id); }
};

/// Page-locked memory: here all memory is alike.
class PinnedAllocator : public at::HostAllocator
{
public:
    c10::DataPtr allocate(std::size_t bytes) override { return c10::GetCPUAllocator()->allocate(bytes); }
    void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
    bool record_event(void*, void*, c10::Stream) override { return true; }
    void empty_cache() override {}
    at::HostStats get_stats() override { return {}; }
    void reset_accumulated_stats() override {}
    void reset_peak_stats() override {}
};

PinnedAllocator pinnedAllocator;

/// The way that the CPU goes.
std::int64_t chooseAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const std::optional<at::Tensor>& mask, double dropout, bool isCausal,
                             std::optional<double> scale, bool isGrouped)
{
    return at::_fused_sdp_choice(onHost(query), onHost(key), onHost(value),
                                 mask ? std::optional(onHost(*mask)) : std::nullopt, dropout, isCausal, scale,
                                 isGrouped);
}

class CardHooks : public at::PrivateUse1HooksInterface
{
public:
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
    c10::DeviceIndex deviceCount() const override { return 1; }
    c10::DeviceIndex getCurrentDevice() const override { return 0; }
    at::Device getDeviceFromPtr(void*) const override { return kCard; }
    c10::Allocator* getPinnedMemoryAllocator() const override { return &pinnedAllocator; }
};

CardHooks hooks;
const bool isRegistered = [] {
    c10::register_privateuse1_backend("simulated");
    at::RegisterPrivateUse1HooksInterface(&hooks);
    at::setHostAllocator(kCard.type(), &pinnedAllocator);
    c10::SetAllocator(kCard.type(), &allocator());
    return true;
}();

C10_REGISTER_GUARD_IMPL(PrivateUse1, CardGuard)

} // namespace

TORCH_LIBRARY_IMPL(_, PrivateUse1, library)
{
    library.fallback(torch::CppFunction::makeFromBoxedFunction<&compute>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library)
{
    library.impl("empty.memory_format", &empty);
    library.impl("empty_strided", &emptyStrided);
    library.impl("_copy_from", &copyFrom);
    library.impl("record_stream", &recordStream);
    // libtorch would make them of other operators, with other last bits.
    for (const char* name : {"native_layer_norm", "silu_backward"})
        library.impl(name, torch::CppFunction::makeFromBoxedFunction<&compute>());
}

namespace simulated_card {

at::Device device()
{
    TORCH_INTERNAL_ASSERT(isRegistered);
    return kCard;
}

Counts counts()
{
    return {synchronisations, operators, sideCopies, streamWaits};
}

void resetCounts()
{
    synchronisations = operators = sideCopies = streamWaits = 0;
}

} // namespace simulated_card

} // namespace paretoscope::tests

namespace at::native {
REGISTER_PRIVATEUSE1_DISPATCH(_fused_sdp_choice_stub, &paretoscope::tests::chooseAttention)
}
