using System.Net;
using Resilient.Redis.Connections;

namespace Resilient.Redis.Tests.Unit;

/// <summary>Three sentinels, and what they say of two servers: which may be connected to, and whether open connections have to go.</summary>
public sealed class SentinelViewTests
{
    private static readonly SentinelAnswer s_old = new(new("old", 1), Epoch: 4, IsReplacing: false, IsDown: false);
    private static readonly SentinelAnswer s_new = new(new("new", 2), Epoch: 5, IsReplacing: false, IsDown: false);

    [Fact]
    public void Primary_is_what_all_say() => Of(s_old, s_old, s_old).Should().Be(new SentinelView(s_old.Primary, null, false));

    [Fact]
    public void Majority_is_enough_when_one_is_away_or_knows_nothing()
    {
        Of(s_old, s_old, null).Primary.Should().Be(s_old.Primary);
        Of(s_old, SentinelAnswer.Unknown, s_old).Primary.Should().Be(s_old.Primary);
    }

    [Fact]
    public void Majority_with_the_later_news_outvotes_a_sentinel_that_was_cut_off() => Of(s_old, s_new, s_new).Primary.Should().Be(s_new.Primary);

    [Fact]
    public void Later_election_known_to_one_alone_stops_everything()
    {
        var view = Of(s_old, s_old, s_new);
        (view.Primary, view.MustLeave).Should().Be((null, true));
        view.Problem.Should().Be("the sentinels are moving 'service' away from old:1");
    }

    [Fact]
    public void Failover_seen_by_one_stops_everything()
    {
        var view = Of(s_old, s_old with { IsReplacing = true }, s_old);
        (view.Primary, view.MustLeave).Should().Be((null, true));
        view.Problem.Should().Be("the sentinels are replacing the primary of 'service' (old:1)");
    }

    [Fact]
    public void Primary_that_is_down_gets_no_new_connection_and_keeps_the_open_ones()
    {
        var view = Of(s_old, s_old with { IsDown = true }, null);
        (view.Primary, view.MustLeave).Should().Be((null, false));
        view.Problem.Should().Be("the sentinels do not reach the primary of 'service' (old:1)");
    }

    [Fact]
    public void Lost_majority_lets_nothing_connect_and_keeps_what_is_open()
    {
        var view = Of(s_old, null, null);
        (view.Primary, view.MustLeave).Should().Be((null, false));
        view.Problem.Should().Be("2 of 3 sentinels do not answer: s2, s3");
    }

    [Fact]
    public void Unknown_service_is_told() => Of(SentinelAnswer.Unknown, SentinelAnswer.Unknown, null).Problem.Should().Be("2 of 3 sentinels know no service 'service'");

    [Fact]
    public void Sentinels_of_one_age_that_disagree_are_not_believed() =>
        SentinelView.Of("service", ["s1", "s2"], [s_old, s_new with { Epoch = 4 }]).Problem.Should().Be("the sentinels do not agree on the primary of 'service'");

    [Fact]
    public void Promoted_replica_is_named_before_the_failover_has_ended()
    {
        // SENTINEL MASTER goes on describing the old primary, and its flags are about that.
        KeyValuePair<string, string>[] details = [new("ip", "10.0.0.1"), new("port", "1"), new("flags", "master,o_down,failover_in_progress"), new("config-epoch", "5")];

        SentinelAnswer.Of(new IPEndPoint(IPAddress.Parse("10.0.0.2"), 2), details).Should().Be(new SentinelAnswer(new("10.0.0.2", 2), 5, false, false));
        SentinelAnswer.Of(new IPEndPoint(IPAddress.Parse("10.0.0.1"), 1), details).Should().Be(new SentinelAnswer(new("10.0.0.1", 1), 5, true, true));
        SentinelAnswer.Of(null, details).Should().Be(SentinelAnswer.Unknown);
    }

    private static SentinelView Of(params SentinelAnswer?[] answers)
    {
        var view = SentinelView.Of("service", ["s1", "s2", "s3"], answers);
        (view.Primary is null).Should().Be(view.Problem is not null);
        return new(view.Primary, view.Problem, view.MustLeave);
    }
}
