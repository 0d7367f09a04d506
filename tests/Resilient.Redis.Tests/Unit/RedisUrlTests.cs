using Resilient.Redis.Options;

namespace Resilient.Redis.Tests.Unit;

public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://host", "host", 6379, false, null, null)]
    [InlineData("rediss://host", "host", 6379, true, null, null)]
    [InlineData("REDIS://host:7000", "host", 7000, false, null, null)]
    [InlineData("redis://host/", "host", 6379, false, null, null)]
    [InlineData("redis://:secret@host", "host", 6379, false, null, "secret")]
    [InlineData("redis://user:secret@host:1", "host", 1, false, "user", "secret")]
    [InlineData("redis://user@host", "host", 6379, false, "user", null)]
    [InlineData("redis://user:@host", "host", 6379, false, "user", null)]
    [InlineData("redis://u%40x:p%2Fw%3A%25%23@host", "host", 6379, false, "u@x", "p/w:%#")]
    [InlineData("redis://:a:b@host", "host", 6379, false, null, "a:b")]
    [InlineData("redis://:a,b=c@host", "host", 6379, false, null, "a,b=c")]
    [InlineData("redis://u:p+q@host", "host", 6379, false, "u", "p+q")]
    [InlineData("redis://[::1]", "::1", 6379, false, null, null)]
    [InlineData("redis://u:p@[2001:db8::1]:7000/3", "2001:db8::1", 7000, false, "u", "p")]
    [InlineData("redis://10.0.0.1:65535", "10.0.0.1", 65535, false, null, null)]
    [InlineData("redis://my-cache.example.com:1234", "my-cache.example.com", 1234, false, null, null)]
    public void Url_gives_host_port_tls_user_and_password(string text, string host, int port, bool tls, string? user, string? password)
    {
        var check = new OptionsCheck();

        var url = RedisUrl.Read(text, "REDIS_URL", check)!;

        check.Faults.Should().BeEmpty();
        (url.Host, url.Port, url.Tls, url.User, url.Password).Should().Be((host, port, tls, user, password));
    }

    [Fact]
    public void Sentinel_url_gives_all_hosts_the_service_and_the_database()
    {
        var check = new OptionsCheck();

        var url = RedisUrl.Read("rediss+sentinel://u:p%2C@s1,10.0.0.2:26380,[::1]:5/my%20master/3?db=3", "REDIS_URL", check)!;

        check.Faults.Should().BeEmpty();
        url.Hosts.Should().Equal(("s1", 26379), ("10.0.0.2", 26380), ("::1", 5));
        (url.Tls, url.User, url.Password, url.Settings["serviceName"], url.Settings["defaultDatabase"]).Should().Be((true, "u", "p,", "my master", "3"));
    }

    [Theory]
    [InlineData("redis://h/3", "defaultDatabase", "3")]
    [InlineData("redis://h/3?db=4", "defaultDatabase", "4")]
    [InlineData("redis://h?connectTimeout=2000", "connectTimeout", "2000")]
    [InlineData("redis://h/?CONNECTTIMEOUT=2000", "connectTimeout", "2000")]
    [InlineData("redis://h?socket_timeout=2.5", "asyncTimeout", "2500")]
    [InlineData("redis://h?socket_connect_timeout=0.25", "connectTimeout", "250")]
    [InlineData("redis://h?socket_keepalive=true", "tcpKeepAlive", "true")]
    [InlineData("redis://h?client_name=a%20b", "name", "a b")]
    [InlineData("redis://h?abortConnect=true&keepAlive=30", "keepAlive", "30")]
    public void Query_and_path_are_put_under_the_drivers_keys(string text, string key, string value)
    {
        var check = new OptionsCheck();

        RedisUrl.Read(text, "REDIS_URL", check)!.Settings.Should().Contain(key, value);

        check.Faults.Should().BeEmpty();
    }

    [Theory]
    [InlineData("http://user:s3cret@host", "http://***", "redis:// or rediss://")]
    [InlineData("unix:///tmp/redis.sock", "unix://***", "redis:// or rediss://")]
    [InlineData("redis://", "redis://***", "host")]
    [InlineData("redis://:s3cret@", "redis://***", "host")]
    [InlineData("redis://u:s3/cret@host", "redis://***", "percent-encoded")]
    [InlineData("redis://u:s3?cret@host", "redis://***", "percent-encoded")]
    [InlineData("redis://u:s3#cret@host", "redis://***", "percent-encoded")]
    [InlineData("redis://host:s3cret", "redis://***", "port")]
    [InlineData("redis://host:0", "redis://***", "port")]
    [InlineData("redis://host:65536", "redis://***", "port")]
    [InlineData("redis://a,b", "redis://***", "host")]
    [InlineData("redis://[s3cret]", "redis://***", "IPv6")]
    [InlineData("redis+sentinel://:s3cret@h", "redis+sentinel://***", "name of the service")]
    [InlineData("redis+sentinel://:s3cret@h,/s", "redis+sentinel://***", "hosts")]
    [InlineData("redis+sentinel://:s3cret@h/s/t", "redis+sentinel://***", "number of a database")]
    [InlineData("redis+other://:s3cret@h/s", "redis+other://***", "redis:// or rediss://")]
    [InlineData("redis://h/s3cret", "redis://***", "number of a database")]
    [InlineData("redis://h/-1", "redis://***", "number of a database")]
    [InlineData("redis://h?colour=s3cret", "'colour'", "connectTimeout")]
    [InlineData("redis://h?ssl=true", "'ssl'", "rediss://")]
    [InlineData("redis://h?socket_timeout=soon", "socket_timeout='soon'", "seconds")]
    [InlineData("redis://h?name=a,password=s3cret", "'name'", "comma")]
    public void Bad_url_is_refused_by_name_and_without_what_may_be_secret(string text, string names, string allowed)
    {
        var check = new OptionsCheck();

        RedisUrl.Read(text, "REDIS_URL", check).Should().BeNull();

        check.Faults.Should().ContainSingle().Which.Should().StartWith("REDIS_URL").And.Contain(names).And.Contain(allowed).And.NotContain("s3").And.NotContain("cret");
    }
}
