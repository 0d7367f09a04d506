using System.Diagnostics;
using Resilient.Redis.Queue.Storage;

namespace Resilient.Redis.Queue.Tests.Unit;

public sealed class JobEnvelopeTests
{
    [Fact]
    public void What_was_written_is_read()
    {
        byte[] payload = [0, 255, 1, 254];
        var headers = new Dictionary<string, string> { ["a"] = "", [""] = "b", ["ключ"] = "値🦊\0" };

        var (readHeaders, readPayload) = JobEnvelope.Read(JobEnvelope.Write(payload, headers));

        readHeaders.Should().BeEquivalentTo(headers);
        readPayload.ToArray().Should().Equal(payload);
    }

    [Fact]
    public void Without_headers_it_costs_one_byte()
    {
        var written = JobEnvelope.Write([7], null);

        written.Should().HaveCount(2);
        JobEnvelope.Read(written).Headers.Should().BeEmpty();
    }

    [Fact]
    public void Trace_context_of_a_recorded_span_is_two_more_headers()
    {
        using var span = Recorded("vendor=1");

        var (headers, payload) = JobEnvelope.Read(JobEnvelope.Write([7], new Dictionary<string, string> { ["tenant"] = "x" }, span));

        headers.Should().Equal(new Dictionary<string, string> { ["tenant"] = "x", ["traceparent"] = span.Id!, ["tracestate"] = "vendor=1" });
        payload.ToArray().Should().Equal(7);
    }

    [Fact]
    public void Trace_context_costs_nothing_where_nobody_records_and_never_replaces_the_callers_own()
    {
        using (var notRecorded = new Activity("a").Start())
            JobEnvelope.Write([7], null, notRecorded).Should().HaveCount(2);

        using var span = Recorded(new string('x', 513));
        var own = new Dictionary<string, string> { ["traceparent"] = "mine" };

        JobEnvelope.Read(JobEnvelope.Write([7], own, span)).Headers.Should().Equal(own);
        JobEnvelope.Read(JobEnvelope.Write([7], null, span)).Headers.Should().ContainSingle("the state is too long to be stored").Which.Key.Should().Be("traceparent");
    }

    private static Activity Recorded(string state)
    {
        var span = new Activity("a") { ActivityTraceFlags = ActivityTraceFlags.Recorded, TraceStateString = state };
        return span.SetIdFormat(ActivityIdFormat.W3C).Start();
    }

    /// <summary>More would wrap the count around, and the headers would be read as payload.</summary>
    [Fact]
    public void More_headers_than_can_be_counted_are_refused()
    {
        var headers = Enumerable.Range(0, 65_536).ToDictionary(i => $"{i}", _ => "");

        FluentActions.Invoking(() => JobEnvelope.Write([], headers)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Whatever_is_cut_or_changed_is_a_format_error_or_other_content_and_never_another_exception()
    {
        var written = JobEnvelope.Write([1, 2, 3], new Dictionary<string, string> { ["name"] = "value" });
        for (var length = 0; length < written.Length - 3; length++)
            FluentActions.Invoking(() => JobEnvelope.Read(written.AsMemory(0, length))).Should().Throw<FormatException>();

        var random = new Random(1);
        for (var i = 0; i < 10_000; i++)
        {
            var changed = written.ToArray();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            try
            {
                JobEnvelope.Read(changed).Headers.Count.Should().BeLessThan(3);
            }
            catch (FormatException)
            {
                // That is how damage is told.
            }
        }
    }

    [Fact]
    public void Newer_version_is_a_format_error() =>
        FluentActions.Invoking(() => JobEnvelope.Read(new byte[] { 3, 0, 0 })).Should().Throw<FormatException>().WithMessage("*newer version*");
}
