using Resilient.Redis.Queue.Worker;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>Who may claim how much, without a queue.</summary>
public sealed class SlotBudgetTests
{
    [Fact]
    public void One_queue_alone_has_all_slots_and_its_prefetch()
    {
        var share = Shares(4, 2, 1)[0];

        Claim(share, 3).Should().Be(6);
        share.Take().Should().Be(0, "it is known to be empty");
        share.MayHaveWork();
        share.Take().Should().Be(3);
    }

    [Fact]
    public void Lower_queue_gets_nothing_until_the_higher_one_has_left_room()
    {
        var (high, low) = Two(4, 1, 0);

        low.Take().Should().Be(0, "nothing is known of the higher one yet");
        Claim(high, 4).Should().Be(4);
        Run(high, 4);
        high.Ended(2);
        low.Take().Should().Be(0, "the higher one took all that it asked for, so it may have more");
        Claim(high, 1).Should().Be(2);
        Claim(low, 1).Should().Be(1);
    }

    [Fact]
    public void Slot_of_the_lower_queue_goes_to_the_higher_one_whose_bell_has_rung()
    {
        var (high, low) = Two(2, 1, 0);
        Claim(high, 0);
        Claim(low, 2);
        Run(low, 2);
        var woken = Woken(high);

        high.MayHaveWork();
        high.Take().Should().Be(0, "what runs is left alone");
        low.Ended();

        woken().Should().Be(1);
        low.Take().Should().Be(0);
        Claim(high, 1).Should().Be(1);
    }

    [Fact]
    public void Room_that_the_higher_queue_leaves_wakes_the_lower_one()
    {
        var (high, low) = Two(2, 1, 0);
        var woken = Woken(low);

        Claim(high, 0);

        woken().Should().Be(1);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(7), InlineData(100)]
    public void Full_queues_run_in_proportion_to_their_weights_however_few_slots_there_are(int slots)
    {
        var shares = Shares(slots, 0, 3, 1);
        var jobs = Play(shares, rounds: 4000, mostAtOnce: slots);

        ((double)jobs[0] / jobs[1]).Should().BeApproximately(3, 0.1);
    }

    [Fact]
    public void Long_jobs_of_a_light_queue_hold_no_more_than_its_share()
    {
        var (heavy, light) = Two(8, 3, 1);
        Claim(heavy, 6).Should().Be(6);
        Claim(light, 2).Should().Be(2);
        Run(heavy, 6);
        Run(light, 2);

        for (var i = 0; i < 1000; i++)
        {
            heavy.Ended();
            light.Take().Should().Be(0, "its two slots are held by long jobs");
            Claim(heavy, 1).Should().Be(1);
            Run(heavy, 1);
        }
    }

    [Fact]
    public void Share_that_is_not_needed_is_used_by_the_other_and_given_back_as_its_jobs_end()
    {
        var (first, second) = Two(4, 1, 1);
        Claim(first, 0).Should().Be(2);
        Claim(second, 4).Should().Be(4, "the first has nothing");
        Run(second, 4);

        first.MayHaveWork();
        for (var i = 0; i < 2; i++)
        {
            second.Ended();
            second.Take().Should().Be(0);
            Claim(first, 1).Should().Be(1);
            Run(first, 1);
        }

        second.Ended();
        first.Take().Should().Be(0, "it has its half");
        second.Take().Should().Be(1);
    }

    [Fact]
    public void Queue_that_comes_back_has_saved_nothing_up()
    {
        var (first, second) = Two(1, 1, 1);
        second.NoAnswer();
        for (var i = 0; i < 1000; i++)
            RunOne(first);

        second.MayHaveWork();
        var jobs = Play([first, second], rounds: 100, mostAtOnce: 1);

        jobs.Should().Equal(50, 50);
    }

    [Fact]
    public void Queue_that_was_busy_alone_for_long_does_not_starve_when_it_comes_back()
    {
        var (first, second) = Two(1, 1, 1);
        second.NoAnswer();
        for (var i = 0; i < 1000; i++)
            RunOne(first);
        Claim(first, 0);
        second.MayHaveWork();
        RunOne(second);

        first.MayHaveWork();
        var jobs = Play([first, second], rounds: 100, mostAtOnce: 1);

        jobs.Should().Equal(50, 50);
    }

    [Fact]
    public void Queue_without_an_answer_holds_up_nobody_and_what_it_brings_late_waits_for_a_slot()
    {
        var (high, low) = Two(2, 1, 0);
        high.Take().Should().Be(2);
        low.Take().Should().Be(0);
        var woken = Woken(low);

        high.NoAnswer();
        woken().Should().Be(1);
        Claim(low, 2).Should().Be(2);
        Run(low, 2);
        high.Answered(2, 2, more: false);

        high.TryStart().Should().BeFalse("two run");
        low.Ended();
        high.TryStart().Should().BeTrue();
        high.TryStart().Should().BeFalse();
        low.Take().Should().Be(0);
    }

    [Fact]
    public void Session_that_ends_gives_back_what_it_asked_for_and_its_handlers_keep_their_slots()
    {
        var (high, low) = Two(3, 1, 0);
        Claim(high, 1);
        Run(high, 1);
        high.MayHaveWork();
        high.Take().Should().Be(2);

        high.Leave();

        low.Take().Should().Be(2);
    }

    [Fact]
    public void Ranks_are_opened_by_weight_zero_and_shared_by_those_with_a_weight() =>
        Shares(1, 0, 1, 3, 0, 2, 0).Select(share => (share.Rank, share.Weight)).Should().Equal((0, 1), (0, 3), (1, 1), (1, 2), (2, 1));

    private static IReadOnlyList<SlotShare> Shares(int slots, int prefetch, params int[] weights)
    {
        var shares = new SlotBudget(slots, prefetch, weights).Shares;
        foreach (var share in shares)
            share.MayHaveWork();
        return shares;
    }

    private static (SlotShare First, SlotShare Second) Two(int slots, params int[] weights) => Shares(slots, 0, weights) switch { var shares => (shares[0], shares[1]) };

    /// <summary>A call to a queue that has so many ready; what it asked for.</summary>
    private static int Claim(SlotShare share, int ready)
    {
        var asked = share.Take();
        share.Answered(asked, Math.Min(asked, ready), more: false);
        return asked;
    }

    private static void Run(SlotShare share, int jobs)
    {
        for (var i = 0; i < jobs; i++)
            share.TryStart().Should().BeTrue();
    }

    private static void RunOne(SlotShare share)
    {
        Claim(share, 1).Should().Be(1);
        Run(share, 1);
        share.Ended();
    }

    private static Func<int> Woken(SlotShare share)
    {
        var woken = 0;
        share.Attach(() => { }, () => woken++);
        return () => woken;
    }

    /// <summary>All queues are full; jobs end in a random order, so many at once. How many of each queue have run.</summary>
    private static int[] Play(IReadOnlyList<SlotShare> shares, int rounds, int mostAtOnce)
    {
        var random = new Random(7);
        var jobs = new int[shares.Count];
        var running = new List<SlotShare>();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < shares.Count; i++)
            {
                var asked = Claim(shares[i], int.MaxValue);
                Run(shares[i], asked);
                running.AddRange(Enumerable.Repeat(shares[i], asked));
                jobs[i] += asked;
            }

            for (var ending = random.Next(1, mostAtOnce + 1); ending > 0; ending--)
            {
                var at = random.Next(running.Count);
                running[at].Ended();
                running.RemoveAt(at);
            }
        }

        running.ForEach(share => share.Ended());
        return jobs;
    }
}
