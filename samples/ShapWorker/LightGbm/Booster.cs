using System.Runtime.InteropServices;
using System.Text;

namespace ShapWorker.LightGbm;

/// <summary>A trained LightGBM model. Safe for concurrent predictions.</summary>
internal sealed class Booster : IDisposable
{
    private const int Normal = 0;
    private const int Contributions = 3;

    // One thread: LightGBM's default took 9 ms for one row while the cores were busy, against 0.1 ms; and concurrency is the queue's business.
    private const string PredictParameters = "num_threads=1";

    private readonly DatasetHandle _dataset;
    private readonly BoosterHandle _booster;
    private readonly int _columns;

    private Booster(DatasetHandle dataset, BoosterHandle booster, int columns)
    {
        _dataset = dataset;
        _booster = booster;
        _columns = columns;
    }

    /// <param name="matrix">Row by row.</param>
    /// <param name="labels">One a row.</param>
    /// <param name="parameters">As in LightGBM's documentation: <c>name=value</c>, with spaces between.</param>
    /// <param name="trees">How many rounds of boosting.</param>
    /// <exception cref="LightGbmException">The native library is missing (the message says what to install), or refused.</exception>
    public static Booster Train(ReadOnlySpan<double> matrix, ReadOnlySpan<float> labels, string parameters, int trees)
    {
        try
        {
            var columns = matrix.Length / labels.Length;
            Check(NativeMethods.LGBM_DatasetCreateFromMat(matrix, NativeMethods.Float64, labels.Length, columns, 1, parameters, 0, out var dataset));
            Check(NativeMethods.LGBM_DatasetSetField(dataset, "label", labels, labels.Length, NativeMethods.Float32));
            Check(NativeMethods.LGBM_BoosterCreate(dataset, parameters, out var booster));
            for (var tree = 0; tree < trees; tree++)
            {
                Check(NativeMethods.LGBM_BoosterUpdateOneIter(booster, out var isFinished));
                if (isFinished != 0)
                    break;
            }

            return new(dataset, booster, columns);
        }
        catch (Exception missing) when (missing is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw LightGbmException.NotLoaded(missing);
        }
    }

    /// <summary>One prediction a row.</summary>
    public double[] Predict(ReadOnlySpan<double> matrix) => Predict(matrix, Normal, valuesPerRow: 1);

    /// <summary>Exact Shapley values (TreeSHAP): for each row one value a column, then the base value.</summary>
    public double[] Explain(ReadOnlySpan<double> matrix) => Predict(matrix, Contributions, valuesPerRow: _columns + 1);

    /// <summary>The trees as JSON.</summary>
    public string Dump()
    {
        Check(NativeMethods.LGBM_BoosterDumpModel(_booster, 0, -1, 0, 0, out var size, []));
        var text = new byte[size];
        Check(NativeMethods.LGBM_BoosterDumpModel(_booster, 0, -1, 0, size, out _, text));
        return Encoding.UTF8.GetString(text).TrimEnd('\0');
    }

    public void Dispose()
    {
        // The booster first: it points into the data set that it was trained on.
        _booster.Dispose();
        _dataset.Dispose();
    }

    private double[] Predict(ReadOnlySpan<double> matrix, int predictType, int valuesPerRow)
    {
        var rows = matrix.Length / _columns;
        var result = new double[rows * valuesPerRow];
        Check(NativeMethods.LGBM_BoosterPredictForMat(
            _booster, matrix, NativeMethods.Float64, rows, _columns, 1, predictType, 0, -1, PredictParameters, out var written, result));
        return written == result.Length ? result : throw new LightGbmException($"LightGBM gave {written} values for {rows} rows; {result.Length} were expected.");
    }

    private static void Check(int code)
    {
        if (code != 0)
            throw new LightGbmException($"LightGBM refused: {Marshal.PtrToStringUTF8(NativeMethods.LGBM_GetLastError())}");
    }
}
