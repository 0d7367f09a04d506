using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Peers.Parent;

/// <summary>A contender at one row's work, in a process of its own on the clients' core.</summary>
internal sealed class ContenderProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly Contender _contender;
    private readonly Row _row;

    private ContenderProcess(Process process, Contender contender, Row row) => (_process, _contender, _row) = (process, contender, row);

    public static async Task<ContenderProcess> StartAsync(Contender contender, Row row, TestServer server)
    {
        var port = server.Port.ToString(CultureInfo.InvariantCulture);
        string[] command = contender == Contender.BullMQ
            ? [NodePackages.Node, NodePackages.Script, row.Key, port, contender.Database.ToString(CultureInfo.InvariantCulture)]
            : ["dotnet", typeof(ContenderProcess).Assembly.Location, "contender", contender.Name, row.Key, port];
        command = [.. ClientCore.Prefix, .. command];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = new ContenderProcess(Process.Start(start)!, contender, row);
        await process.AnswerAsync();
        return process;
    }

    /// <summary>CPU time so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public async Task<double[]> AskAsync(Request request)
    {
        await _process.StandardInput.WriteLineAsync(request.ToString());
        await _process.StandardInput.FlushAsync();
        return await AnswerAsync();
    }

    /// <summary>Children end when their input does; one that cannot is killed.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task<double[]> AnswerAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(s_longest) is { } line)
        {
            if (line.StartsWith("{\"values\"", StringComparison.Ordinal))
                return JsonSerializer.Deserialize<Reply>(line, JsonSerializerOptions.Web)!.Values;

            // What a library logs is for who runs this, not for the table.
            await Console.Error.WriteLineAsync($"  {_contender.Name}: {line}");
        }

        throw new InvalidOperationException($"{_contender.Name} ended in the middle of row {_row.Key}; what it said is above.");
    }
}
