using System.Collections.Concurrent;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Queue.Torture.Running;

/// <summary>The worker and producer processes, each behind a proxy of its own.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    public const int Workers = 3;
    public const int Producers = 2;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    private readonly Guard _guard;
    private readonly string _folder;
    private readonly int _seed;
    private readonly ConcurrentBag<Child> _started = []; // a fault may still be about to thaw one that has ended: disposed of at the end

    public Fleet(TestServer server, Guard guard, string folder, int seed)
    {
        (_guard, _folder, _seed) = (guard, folder, seed);
        Slots = [.. Enumerable.Range(0, Workers + Producers).Select(_ => new Slot(FaultProxy.Start(server)))];
    }

    public IReadOnlyList<Slot> Slots { get; }

    public IEnumerable<Slot> WorkerSlots => Slots.Take(Workers);

    public IEnumerable<Slot> ProducerSlots => Slots.Skip(Workers);

    public void StartAll()
    {
        for (var i = 0; i < Slots.Count; i++)
            Start(i);
    }

    /// <summary>A process of another name each time.</summary>
    public void Start(int number)
    {
        var slot = Slots[number];
        slot.Generation++;
        slot.Name = number < Workers ? $"worker{number}.{slot.Generation}" : $"producer{number - Workers}";
        // Every other worker stops its handlers in doubt: both kinds have to keep the promises.
        slot.Child = number < Workers
            ? Child.Start("worker", slot.Name, slot.Proxy.Endpoint, _folder, $"{number % 2 == 0}")
            : Child.Start("producer", slot.Name, slot.Proxy.Endpoint, _folder, $"{_seed * Producers + number - Workers}");
        _started.Add(slot.Child);
        _guard.Watch(slot.Child.Id);
    }

    /// <summary>Starts a worker in the place of one that a job has killed, as a service manager would.</summary>
    public async Task ReviveAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var i = 0; i < Workers; i++)
            {
                if (Slots[i] is { IsDown: false, Child.IsAlive: false } slot)
                {
                    _guard.Forget(slot.Child.Id);
                    Start(i);
                }
            }

            await Task.Delay(s_look, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends the process in a slot, and leaves it empty for a while.</summary>
    public async Task ReplaceAsync(int number, Func<Child, Task> end, TimeSpan pause)
    {
        var (slot, child) = (Slots[number], Slots[number].Child!);
        var isFirst = slot.TryEmpty();
        await end(child);
        if (!isFirst)
            return; // a kill during a stop: whoever came first fills the slot, or there would be two processes in it, and one that nobody knows of
        _guard.Forget(child.Id);
        await Task.Delay(pause);
        Start(number);
        slot.Fill();
    }

    /// <summary>Asks them to stop, and waits.</summary>
    /// <returns>The names of those that had to be killed.</returns>
    public static async Task<IReadOnlyList<string>> StopAsync(IEnumerable<Slot> slots, TimeSpan longest)
    {
        List<string> stuck = [];
        foreach (var slot in slots)
            slot.Child!.Order(Children.Orders.Stop);
        foreach (var slot in slots)
        {
            if (!await slot.Child!.EndsWithinAsync(longest))
                stuck.Add(slot.Name);
        }

        return stuck;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var child in _started)
        {
            if (child.IsAlive)
                await child.KillAsync();
            child.Dispose();
        }

        foreach (var slot in Slots)
            await slot.Proxy.DisposeAsync();
    }
}

/// <summary>The place of one process; who dies there is followed by another.</summary>
internal sealed class Slot(FaultProxy proxy)
{
    private int _isDown;

    public FaultProxy Proxy => proxy;

    public Child? Child { get; set; }

    public int Generation { get; set; }

    public string Name { get; set; } = "";

    /// <summary>Empty on purpose.</summary>
    public bool IsDown => Volatile.Read(ref _isDown) != 0;

    /// <returns>False where somebody has emptied it already.</returns>
    public bool TryEmpty() => Interlocked.Exchange(ref _isDown, 1) == 0;

    public void Fill() => Volatile.Write(ref _isDown, 0);
}
