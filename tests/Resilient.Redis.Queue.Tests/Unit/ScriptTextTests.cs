using System.Text.RegularExpressions;
using Resilient.Redis.Queue.Producing;
using Resilient.Redis.Queue.Recurring;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>What the scripts' own text must keep to.</summary>
public sealed partial class ScriptTextTests
{
    private static readonly string[] s_verbs = ["enqueue", "claim", "settle", "extend", "cancel", "requeue", "remove", "purge", "pause", "outbox", "audit", "reconcile", "inspect", "list", "count",
        "schedule", "advance", "trigger", "unschedule", "recurring"];

    private static readonly string[] s_files =
        [.. typeof(JobId).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".lua", StringComparison.Ordinal))];

    public static TheoryData<string> Files => [.. s_files];

    public static TheoryData<string> Verbs => [.. s_verbs];

    [Fact]
    public void Every_verb_and_nothing_else_is_embedded() =>
        s_files.Where(name => name[0] != '_').Should().BeEquivalentTo(s_verbs.Select(verb => verb + ".lua"));

    [Theory, MemberData(nameof(Files))]
    public void File_is_short_and_says_first_what_it_is(string file)
    {
        var lines = Read(file).TrimEnd('\n').Split('\n');

        lines.Length.Should().BeLessThanOrEqualTo(120);
        lines[0].Should().StartWith(file[0] == '_' ? "-- " : $"-- {file[..^4]}: ");
        lines.Should().OnlyContain(line => line.Length <= 160 && !line.Contains('\t') && !line.EndsWith(' '));
    }

    [Theory, MemberData(nameof(Verbs))]
    public void Header_names_keys_arguments_reply_and_cost(string verb)
    {
        var header = string.Join('\n', Read(verb + ".lua").Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)));

        header.Should().Contain("\n-- KEYS").And.Contain("\n-- reply").And.Contain("\n-- cost").And.Contain("O(");
        if (verb is not "count" and not "outbox" and not "recurring")
            header.Should().Contain("\n-- ARGV");
    }

    /// <summary>No shebang: its flags would have a script refused above maxmemory before its first line (rule R4).</summary>
    [Fact]
    public void No_script_has_a_shebang() =>
        Scripts().Should().OnlyContain(script => !script.Text.StartsWith("#!", StringComparison.Ordinal));

    /// <summary>Rule R7: two looks at the clock in one script could differ.</summary>
    [Fact]
    public void Time_is_read_at_most_once_a_script() =>
        Scripts().Select(script => NowCalls().Count(script.Text) - 1).Should().OnlyContain(calls => calls <= 1);

    [Fact]
    public void Reply_codes_are_those_of_the_scripts() =>
        Numbers("_prelude.lua", "ACCEPTED").Should().BeEquivalentTo(Enum.GetValues<ReplyCode>().ToDictionary(code => code.ToString().ToUpperInvariant(), code => (int)code));

    [Fact]
    public void Ends_in_a_history_are_those_of_the_scripts() =>
        Numbers("_history.lua", "FAILED").Should().BeEquivalentTo(Enum.GetValues<JobAttemptOutcome>().ToDictionary(end => end.ToString().ToUpperInvariant(), end => (int)end));

    /// <summary>LIVE is what is stored for waiting, scheduled and active.</summary>
    [Fact]
    public void Job_states_are_those_of_the_scripts()
    {
        var numbers = Numbers("_prelude.lua", "LIVE");

        numbers.Remove("LIVE", out var live).Should().BeTrue();
        live.Should().Be((int)JobState.Waiting);
        numbers.Should().BeEquivalentTo(Enum.GetValues<JobState>().ToDictionary(state => state.ToString().ToUpperInvariant(), state => (int)state));
    }

    /// <summary>A call that is valid for longer than its outcome is remembered could make its job twice (rule R15).</summary>
    [Fact]
    public void Outcomes_are_remembered_as_long_as_a_call_can_be_valid() =>
        RepeatableMs().Match(Read("_prelude.lua")).Groups[1].Value.Should().Be($"{EnqueueCall.MaxValidity.TotalMilliseconds}");

    /// <summary>A shorter one here could be forgotten while its call can be repeated (rule R15).</summary>
    [Fact]
    public void Plain_jobs_are_kept_as_long_as_their_script_takes_for_granted() =>
        PlainKeepMs().Match(Read("_plain.lua")).Groups[1].Value.Should().Be($"{JobShape.LongKept.TotalMilliseconds}");

    /// <summary>Else a process would ask for a name that Redis does not give it, or wait for longer than it must (rule R20).</summary>
    [Fact]
    public void Schedule_is_given_up_after_the_same_time_here_and_there() =>
        AbandonedMs().Match(Read("_recurring.lua")).Groups[1].Value.Should().Be($"{RecurringScheduler.AbandonedAfter.TotalMilliseconds}");

    private static RedisScript[] Scripts()
    {
        var scripts = RedisScripts.Default;
        return [scripts.Enqueue, scripts.Claim, scripts.Settle, scripts.Extend, scripts.Cancel, scripts.Requeue, scripts.Remove, scripts.Purge, scripts.Pause, scripts.Outbox, scripts.Audit, scripts.Reconcile, scripts.Inspect, scripts.List, scripts.Count,
            scripts.Schedule, scripts.Advance, scripts.Trigger, scripts.Unschedule, scripts.Recurring];
    }

    /// <summary>The line whose first name this is: names = numbers.</summary>
    private static Dictionary<string, int> Numbers(string file, string first)
    {
        var line = Read(file).Split('\n').Single(line => line.StartsWith($"local {first},", StringComparison.Ordinal));
        var sides = line["local ".Length..].Split('=');
        return sides[0].Split(',').Zip(sides[1].Split(',')).ToDictionary(pair => pair.First.Trim(), pair => int.Parse(pair.Second, System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string Read(string file)
    {
        using var reader = new StreamReader(typeof(JobId).Assembly.GetManifestResourceStream(file)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"now_us\(\)")]
    private static partial Regex NowCalls();

    [GeneratedRegex(@"local ABANDONED_MS = (\d+)")]
    private static partial Regex AbandonedMs();

    [GeneratedRegex(@"local PLAIN_HOW, PLAIN_KEEP_MS = \d+, (\d+)")]
    private static partial Regex PlainKeepMs();

    [GeneratedRegex(@"local REPEATABLE_MS = (\d+)")]
    private static partial Regex RepeatableMs();
}
