using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Resilient.Redis.Queue.Tests.Unit;

/// <summary>The README says what the code says: its examples are compiled, its options complete, its links good.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string s_root = Root();
    private static readonly string s_readme = File.ReadAllText(Path.Combine(s_root, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void Examples_are_compiled_code() =>
        CSharpBlocks().Matches(s_readme).Select(block => block.Groups[1].Value.Trim()).Should().Equal(
            Region(Path.Combine(s_root, "samples", "Quickstart", "Program.cs")),
            Region(ThisFile()),
            Region(Path.Combine(s_root, "tests", "Resilient.Redis.Queue.Tests", "InMemory", "ReadmeExampleTests.cs")));

    [Theory]
    [InlineData("dotnet run --project samples/ShapWorker")]
    [InlineData("dotnet test")]
    public void Commands_are_there(string command) => s_readme.Should().MatchRegex($@"(?m)^{Regex.Escape(command)}( +#.*)?$");

    [Theory]
    [InlineData(typeof(ResilientRedisOptions), "AddResilientRedis(o", "")]
    [InlineData(typeof(RedisRetryOptions), "AddResilientRedis(o", "Retry.")]
    [InlineData(typeof(JobQueueOptions), "AddQueue(", "")]
    [InlineData(typeof(JobWorkerOptions), "AddWorker(", "")]
    [InlineData(typeof(EnqueueOptions), "EnqueueAsync(", "")]
    public void Every_option_has_a_row_that_agrees_with_its_documentation(Type options, string heading, string prefix)
    {
        var section = s_readme.Split("\n### ").Single(part => part.StartsWith("`" + heading, StringComparison.Ordinal)).Split("\n## ")[0];
        foreach (var property in options.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.PropertyType != typeof(RedisRetryOptions)))
        {
            var row = section.Split('\n').SingleOrDefault(line => line.StartsWith($"| `{prefix}{property.Name}`", StringComparison.Ordinal));
            row.Should().NotBeNull($"README.md must have a row for {options.Name}.{property.Name}");
            var documentation = Documentation(property);
            foreach (var said in (string[])[.. Said(Defaults(), documentation), .. Said(Ranges(), documentation), .. Said(Variables(), documentation)])
                row.Should().Contain(said, $"the documentation of {options.Name}.{property.Name} says so");
        }
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/failures.md")]
    [InlineData("docs/performance.md")]
    [InlineData("docs/protocol.md")]
    [InlineData("docs/telemetry.md")]
    public void Links_lead_somewhere(string page)
    {
        var file = Path.Combine(s_root, page);
        var text = File.ReadAllText(file).ReplaceLineEndings("\n");
        var targets = Links().Matches(text).Select(link => link.Groups[1].Success ? link.Groups[1].Value : link.Groups[2].Value).Where(target => !target.StartsWith("https://", StringComparison.Ordinal)).ToList();

        targets.Should().NotBeEmpty();
        targets.Where(target => !File.Exists(Path.Combine(Path.GetDirectoryName(file)!, target))).Should().BeEmpty();
        References().Matches(text).Select(reference => reference.Groups[1].Value)
            .Where(label => !text.Contains($"\n[{label}]: ", StringComparison.Ordinal)).Should().BeEmpty();
    }

    /// <summary>Compiled, never run: the README's second block.</summary>
    internal static async Task<string> ConnectionAsync(IResilientRedis redis)
    {
        #region readme
        var name = await redis.ExecuteAsync(db => db.StringGetAsync("name"), RetrySafety.Idempotent);
        var visits = await redis.ExecuteAsync(db => db.StringIncrementAsync("visits"), RetrySafety.IfNotSent);
        #endregion
        return $"{name} {visits}";
    }

    private static string Region(string file)
    {
        var lines = File.ReadAllText(file).ReplaceLineEndings("\n").Split("#region readme\n")[1].Split("#endregion")[0].Split('\n');
        var indent = lines[0].Length - lines[0].TrimStart().Length;
        return string.Join('\n', lines.Select(line => line.Length > indent ? line[indent..] : line.TrimStart())).Trim();
    }

    /// <summary>The text of the summary that IntelliSense shows, its references as names in backticks, as the README writes them.</summary>
    private static string Documentation(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        var members = XDocument.Load(Path.ChangeExtension(type.Assembly.Location, ".xml")).Descendants("member");
        var summary = members.Single(member => member.Attribute("name")!.Value == $"P:{type.FullName}.{property.Name}").Element("summary")!;
        return string.Concat(summary.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement element => $"`{element.Attribute("cref")?.Value.Split('.')[^1]}`",
            _ => node.ToString(),
        }));
    }

    private static IEnumerable<string> Said(Regex pattern, string documentation) => pattern.Matches(documentation).Select(match => match.Groups[1].Value);

    private static string ThisFile([CallerFilePath] string path = "") =>
        File.Exists(path) ? path : Path.Combine(s_root, "tests", "Resilient.Redis.Queue.Tests", "Unit", "ReadmeTests.cs");

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Resilient.Redis.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("Resilient.Redis.sln is in no folder above the tests.");
    }

    [GeneratedRegex("""```csharp\n(.*?)```""", RegexOptions.Singleline)]
    private static partial Regex CSharpBlocks();

    [GeneratedRegex(@"Default (?:the )?((?:[\d,.]+ (?:ms|s|min|h|d|MiB)|[\d,]+|true|false|number of processors)\b|`[^`]+`)")]
    private static partial Regex Defaults();

    [GeneratedRegex(@"from (\S+(?: (?:ms|s|min|h|d|KiB))? to [\d,]+(?: (?:ms|s|min|h|d|MiB))?)")]
    private static partial Regex Ranges();

    [GeneratedRegex(@"[Vv]ariable (`[A-Z_]+`)")]
    private static partial Regex Variables();

    [GeneratedRegex(@"\]\(([^)#]+)\)|^\[[^\]]+\]: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Links();

    [GeneratedRegex(@"\]\[([^\]]+)\]")]
    private static partial Regex References();
}
