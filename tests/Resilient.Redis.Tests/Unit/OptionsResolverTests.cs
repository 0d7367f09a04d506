using Microsoft.Extensions.Configuration;
using Resilient.Redis.Options;

namespace Resilient.Redis.Tests.Unit;

public sealed class OptionsResolverTests
{
    private static readonly TimeSpan s_ms1 = TimeSpan.FromMilliseconds(1111), s_ms2 = TimeSpan.FromMilliseconds(2222), s_s3 = TimeSpan.FromSeconds(3), s_s4 = TimeSpan.FromSeconds(4);

    /// <summary>One row a setting: how each source says it, with a value that tells them apart, and the default. A dash: that source cannot say it.</summary>
    public static TheoryData<string, Action<ResilientRedisOptions>, object, string, object?, string, object?, object?, object> Precedence => new()
    {
        { "ConnectTimeout", o => o.ConnectTimeout = s_ms1, s_ms1, "connectTimeout=2222", s_ms2, "REDIS_TIMEOUT=3", s_s3, s_s4, TimeSpan.FromSeconds(5) },
        { "AttemptTimeout", o => o.AttemptTimeout = s_ms1, s_ms1, "asyncTimeout=2222", s_ms2, "REDIS_TIMEOUT=3", s_s3, s_s4, TimeSpan.FromSeconds(2) },
        { "AttemptTimeout", o => o.AttemptTimeout = s_ms1, s_ms1, "syncTimeout=2222", s_ms2, "REDIS_TIMEOUT=3", s_s3, s_s4, TimeSpan.FromSeconds(2) },
        { "TotalTimeout", o => o.TotalTimeout = TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(11), "-", null, "-", null, TimeSpan.FromSeconds(44), TimeSpan.FromSeconds(10) },
        { "KeepAlive", o => o.KeepAlive = false, false, "tcpKeepAlive=false", false, "REDIS_SOCKET_KEEPALIVE=0", false, false, true },
        { "KeepAliveInterval", o => o.KeepAliveInterval = TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(11), "keepAlive=22", TimeSpan.FromSeconds(22), "-", null, TimeSpan.FromSeconds(44), TimeSpan.FromSeconds(2) },
        { "PoolSize", o => o.PoolSize = 11, 11, "-", null, "REDIS_CONNECTION_POOL_SIZE=33", 33, 44, 10 },
        { "FailFast", o => o.FailFast = false, false, "-", null, "-", null, false, true },
        { "Retry:MaxRetries", o => o.Retry.MaxRetries = 11, 11, "-", null, "-", null, 14, 3 },
        { "Retry:BaseDelay", o => o.Retry.BaseDelay = s_ms1, s_ms1, "-", null, "-", null, s_s4, TimeSpan.FromMilliseconds(100) },
        { "Retry:MaxDelay", o => o.Retry.MaxDelay = s_ms1, s_ms1, "-", null, "-", null, s_s4, TimeSpan.FromSeconds(1) },
    };

    [Theory]
    [MemberData(nameof(Precedence))]
    public void Code_beats_text_beats_variable_beats_section_beats_default(
        string setting, Action<ResilientRedisOptions> code, object ofCode, string text, object? ofText, string variable, object? ofVariable, object? ofSection, object otherwise)
    {
        var section = new Dictionary<string, string?> { [$"Redis:{setting}"] = ofSection?.ToString() };
        var variables = new Dictionary<string, string>();
        Value(setting, Resolve(null, null, [])).Should().Be(otherwise);

        Value(setting, Resolve(null, section, [])).Should().Be(ofSection);
        if (ofVariable is not null)
        {
            variables[variable.Split('=')[0]] = variable.Split('=')[1];
            Value(setting, Resolve(null, section, variables)).Should().Be(ofVariable);
            Value(setting, Resolve(null, section, variables, name: "named")).Should().Be(otherwise, "variables and the section Redis serve the default connection only");
        }

        if (ofText is not null)
        {
            variables["REDIS_URL"] = "h," + text;
            Value(setting, Resolve(null, section, variables)).Should().Be(ofText);
            variables["REDIS_URL"] = "redis://h?" + text;
            Value(setting, Resolve(null, section, variables)).Should().Be(ofText);
        }

        Value(setting, Resolve(code, section, variables)).Should().Be(ofCode);
    }

    [Fact]
    public void Connection_string_of_code_beats_the_variable_and_its_settings_still_beat_REDIS_TIMEOUT()
    {
        var variables = new Dictionary<string, string> { ["REDIS_URL"] = "redis://variable", ["REDIS_TIMEOUT"] = "7" };
        var section = new Dictionary<string, string?> { ["Redis:ConnectionString"] = "section" };

        Resolve(null, section, []).Endpoint.Should().Be("section:6379");
        Resolve(null, section, variables).Endpoint.Should().Be("variable:6379");
        var code = Resolve(o => o.ConnectionString = "code,asyncTimeout=3000", section, variables);

        code.Endpoint.Should().Be("code:6379");
        code.AttemptTimeout.Should().Be(TimeSpan.FromSeconds(3));
        code.ConnectTimeout.Should().Be(TimeSpan.FromSeconds(7));
        Resolve(null, null, []).Endpoint.Should().Be("localhost:6379");
    }

    [Theory]
    [InlineData(2, 10)]
    [InlineData(5, 15)]
    [InlineData(0.5, 10)]
    public void Total_timeout_is_three_attempts_and_at_least_ten_seconds(double attempt, double total) =>
        Resolve(null, null, new() { ["REDIS_TIMEOUT"] = FormattableString.Invariant($"{attempt}") }).TotalTimeout.Should().Be(TimeSpan.FromSeconds(total));

    [Theory]
    [InlineData("connectTimeout", "2222", "5000")]
    [InlineData("syncTimeout", "2222", "2000")]
    [InlineData("asyncTimeout", "2222", "2000")]
    [InlineData("keepAlive", "33", "2")]
    [InlineData("keepAlive", "0", "2")]
    [InlineData("tcpKeepAlive", "False", "True")]
    [InlineData("abortConnect", "True", "False")]
    [InlineData("connectRetry", "7", "1")]
    [InlineData("name", "mine", null)]
    public void Defaults_fill_only_what_the_text_leaves_silent(string key, string set, string? otherwise)
    {
        foreach (var text in (string[])[$"h,{key}={set}", $"h,{key.ToUpperInvariant()}={set}", $"redis://h?{key}={set}"])
            Driver(key, Resolve(o => o.ConnectionString = text, null, [])).Should().Be(set, text);

        var silent = Driver(key, Resolve(o => o.ConnectionString = "h", null, []));
        if (otherwise is null)
            silent.Should().Contain("resilient-redis");
        else
            silent.Should().Be(otherwise);
    }

    [Theory]
    [InlineData("defaultDatabase=3", "defaultDatabase=3")]
    [InlineData("tiebreaker=t", "tiebreaker=t")]
    [InlineData("serviceName=s", "serviceName=s")]
    [InlineData("channelPrefix=c", "channelPrefix=c")]
    [InlineData("configChannel=cc", "configChannel=cc")]
    [InlineData("allowAdmin=true", "allowAdmin=True")]
    [InlineData("resolveDns=true", "resolveDns=True")]
    [InlineData("protocol=resp2", "protocol=resp2")]
    [InlineData("ssl=true,sslHost=x", "ssl=True")]
    public void What_we_do_not_default_passes_through(string text, string expected) =>
        Resolve(o => o.ConnectionString = "h," + text, null, []).Driver.ToString().Should().Contain(expected);

    [Fact]
    public void Url_reaches_the_driver_whole()
    {
        var driver = Resolve(null, null, new() { ["REDIS_URL"] = "rediss://u:p%2Cq@cache.example:7000/5?tiebreaker=t" }).Driver;

        (driver.User, driver.Password, driver.Ssl, driver.DefaultDatabase, driver.TieBreaker).Should().Be(("u", "p,q", true, 5, "t"));
        driver.EndPoints.Should().ContainSingle().Which.Should().Be(new System.Net.DnsEndPoint("cache.example", 7000));
    }

    [Fact]
    public void Empty_variables_count_as_unset() =>
        Resolve(null, null, new() { ["REDIS_URL"] = " ", ["REDIS_TIMEOUT"] = "", ["REDIS_CONNECTION_POOL_SIZE"] = "" }).PoolSize.Should().Be(10);

    [Theory]
    [InlineData("REDIS_TIMEOUT", "2,5", "seconds")]
    [InlineData("REDIS_TIMEOUT", "soon", "seconds")]
    [InlineData("REDIS_TIMEOUT", "0", "from 10 ms to 5 min")]
    [InlineData("REDIS_TIMEOUT", "-1", "from 10 ms to 5 min")]
    [InlineData("REDIS_TIMEOUT", "NaN", "seconds")]
    [InlineData("REDIS_SOCKET_KEEPALIVE", "yes", "true, false, 1 or 0")]
    [InlineData("REDIS_CONNECTION_POOL_SIZE", "2.5", "whole number")]
    [InlineData("REDIS_CONNECTION_POOL_SIZE", "0", "from 1 to 64")]
    [InlineData("REDIS_CONNECTION_POOL_SIZE", "65", "from 1 to 64")]
    public void Bad_variable_is_named_with_what_is_allowed(string variable, string value, string allowed) =>
        Faults(null, null, new() { [variable] = value }).Should().ContainSingle().Which.Should().StartWith(variable).And.Contain(allowed);

    [Theory]
    [InlineData("REDIS_SOCKET_KEEPALIVE", "TRUE", true)]
    [InlineData("REDIS_SOCKET_KEEPALIVE", "1", true)]
    [InlineData("REDIS_SOCKET_KEEPALIVE", "False", false)]
    [InlineData("REDIS_SOCKET_KEEPALIVE", "0", false)]
    public void Keepalive_variable_is_read_in_any_case(string variable, string value, bool expected) =>
        Resolve(null, null, new() { [variable] = value }).KeepAlive.Should().Be(expected);

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var faults = Faults(
            o => (o.ConnectionString, o.Retry.MaxRetries, o.TotalTimeout) = ("h,keepAlive=x,colour=red", 21, TimeSpan.FromSeconds(1)),
            new() { ["Redis:KeepAlive"] = "perhaps", ["Redis:Retry:BaseDelay"] = "2" },
            new() { ["REDIS_TIMEOUT"] = "x", ["REDIS_CONNECTION_POOL_SIZE"] = "99" });

        string.Join("\n", faults.Order()).Should().Be(string.Join("\n", ((string[])[
            "ConnectionString has a value for 'keepAlive' that cannot be read: 'x'.",
            "ConnectionString has the key 'colour', which the driver does not know.",
            "Retry:MaxRetries is 21; it must be from 0 to 20.",
            "TotalTimeout is 1 s; it must be at least AttemptTimeout, which is 2 s.",
            "Redis:KeepAlive is 'perhaps'; it must be true, false, 1 or 0.",
            "Redis:Retry:BaseDelay is 48 h; it must be from 1 ms to 1 min.",
            "REDIS_TIMEOUT is 'x'; it must be a number of seconds, such as 2.5.",
            "REDIS_CONNECTION_POOL_SIZE is 99; it must be from 1 to 64."]).Order()));
    }

    [Theory]
    [InlineData("h,password=a,s3cret")]
    [InlineData("h,password=a,s3cret=b")]
    [InlineData("user:s3cret@h")]
    [InlineData("redis:s3cret@h:6379")]
    [InlineData("h,passwort=s3cret")]
    [InlineData("s3cret!x,h")]
    [InlineData("h,connectTimeout=5,s3cret/+=")]
    [InlineData("password=s3cret")]
    public void Bad_connection_string_is_refused_without_what_may_be_secret(string text) =>
        Faults(o => o.ConnectionString = text, null, []).Should().NotBeEmpty().And.AllSatisfy(fault => fault.Should().StartWith("ConnectionString").And.NotContain("s3cret"));

    private static ResolvedRedisOptions Resolve(Action<ResilientRedisOptions>? code, Dictionary<string, string?>? section, Dictionary<string, string> variables, string name = "")
    {
        var check = new OptionsCheck();
        var resolved = Resolve(code, section, variables, name, check);
        check.Faults.Should().BeEmpty();
        return resolved!;
    }

    private static IReadOnlyList<string> Faults(Action<ResilientRedisOptions>? code, Dictionary<string, string?>? section, Dictionary<string, string> variables)
    {
        var check = new OptionsCheck();
        Resolve(code, section, variables, "", check).Should().BeNull();
        return check.Faults;
    }

    private static ResolvedRedisOptions? Resolve(Action<ResilientRedisOptions>? code, Dictionary<string, string?>? section, Dictionary<string, string> variables, string name, OptionsCheck check)
    {
        var options = new ResilientRedisOptions();
        code?.Invoke(options);
        var configuration = section is null ? null : new ConfigurationBuilder().AddInMemoryCollection(section).Build();
        return new OptionsResolver(name, variable => variables.GetValueOrDefault(variable), configuration).Resolve(options, check);
    }

    private static object? Value(string setting, ResolvedRedisOptions options) =>
        typeof(ResolvedRedisOptions).GetProperty(setting.Split(':')[^1])!.GetValue(options);

    private static string? Driver(string key, ResolvedRedisOptions options)
    {
        var driver = options.Driver;
        return key switch
        {
            "connectTimeout" => $"{driver.ConnectTimeout}",
            "syncTimeout" => $"{driver.SyncTimeout}",
            "asyncTimeout" => $"{driver.AsyncTimeout}",
            "keepAlive" => $"{driver.KeepAlive}",
            "tcpKeepAlive" => $"{driver.TcpKeepAlive}",
            "abortConnect" => $"{driver.AbortOnConnectFail}",
            "connectRetry" => $"{driver.ConnectRetry}",
            "name" => driver.ClientName,
            _ => throw new ArgumentOutOfRangeException(nameof(key)),
        };
    }
}
