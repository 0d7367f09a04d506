using Resilient.Redis.Queue.Producing;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>What cannot be meant is refused before anything is sent.</summary>
public sealed class EnqueueOptionsTests
{
    public static TheoryData<EnqueueOptions, string> Bad() => new()
    {
        { new() { Delay = TimeSpan.Zero, NotBefore = DateTimeOffset.UnixEpoch }, "*both*" },
        { new() { Delay = TimeSpan.FromSeconds(-1) }, "*Delay*" },
        { new() { Timeout = TimeSpan.Zero }, "*Timeout*" },
        { new() { MaxAttempts = 0 }, "*MaxAttempts*" },
        { new() { ResultRetention = TimeSpan.FromDays(366) }, "*ResultRetention*" },
        { new() { Id = default(JobId) }, "*JobId.New*" },
        { new() { Headers = new Dictionary<string, string> { [""] = "x" } }, "*Headers*" },
    };

    [Theory, MemberData(nameof(Bad))]
    public void Bad_option_is_named(EnqueueOptions options, string message) =>
        FluentActions.Invoking(() => EnqueueOptionsCheck.Throw(options)).Should().Throw<ArgumentException>().WithMessage(message);

    [Theory]
    [InlineData("order:7", true), InlineData("a/b.c-d_E", true), InlineData("", false), InlineData("a b", false), InlineData("a{b}", false), InlineData("ä", false)]
    public void Id_has_only_characters_that_are_safe_in_a_key_and_a_url(string text, bool good) =>
        JobId.TryParse(text, out _).Should().Be(good);

    [Fact]
    public void New_ids_are_short_and_differ()
    {
        var ids = Enumerable.Range(0, 10_000).Select(_ => JobId.New().Value).ToList();

        ids.Should().OnlyHaveUniqueItems();
        ids.Should().OnlyContain(id => id.Length == 16);
        new JobId(new string('x', JobId.MaxLength)).Value.Length.Should().Be(JobId.MaxLength);
        FluentActions.Invoking(() => new JobId(new string('x', JobId.MaxLength + 1))).Should().Throw<ArgumentException>();
    }
}
